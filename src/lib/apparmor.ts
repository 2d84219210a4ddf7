import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { invalidArgument, messageOf, wrap } from '#base/errors';

export interface ApparmorOptions {
  /** Where the kernel lists what it has loaded. */
  readonly profiles?: string;
  /** Where the parser's includes are. */
  readonly includes?: string;
  /** The program that compiles and loads a profile. */
  readonly parser?: string;
}

/**
 * Makes sure that the kernel has a profile of that name for containers; one that is loaded already stays as it is.
 *
 * @throws not_found when the kernel has no AppArmor or the parser is not installed; invalid_argument for a name that cannot be a profile's;
 * unknown with the parser's own words when it refuses.
 */
export async function ensureDefaultApparmor(name: string, options: ApparmorOptions = {}): Promise<void> {
  const {
    profiles = '/sys/kernel/security/apparmor/profiles',
    includes = '/etc/apparmor.d',
    parser = 'apparmor_parser',
  } = options;
  checkName(name);
  const loaded = await readFile(profiles, 'utf8').catch((thrown: unknown) => {
    throw wrap(thrown, 'apparmor');
  });
  // A line is the name and, in brackets, the mode.
  if (loaded.split('\n').some((line) => line.replace(/ \([a-z]+\)$/, '') === name)) return;
  const has = (path: string) =>
    access(`${includes}/${path}`).then(
      () => true,
      () => false,
    );
  const text = defaultApparmor(name, {
    hasTunables: await has('tunables/global'),
    hasAbstractions: await has('abstractions/base'),
  });
  await load(parser, text);
}

/** The text of that profile: a container's processes may do what the kernel lets them, but not touch the host through /proc and /sys. */
export function defaultApparmor(
  name: string,
  { hasTunables, hasAbstractions }: { readonly hasTunables: boolean; readonly hasAbstractions: boolean },
): string {
  checkName(name);
  return [
    hasTunables ? '#include <tunables/global>' : '@{PROC}=/proc/',
    '',
    `profile ${name} flags=(attach_disconnected,mediate_deleted) {`,
    ...[...(hasAbstractions ? ['#include <abstractions/base>'] : []), ...rules, ...peerRules(name)].map(
      (rule) => `  ${rule}`,
    ),
    '}',
    '',
  ].join('\n');
}

const rules = [
  'network,',
  'capability,',
  'file,',
  'umount,',
  // Of /proc, only what belongs to processes may be written.
  'deny @{PROC}/* w,',
  'deny @{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/** w,',
  'deny @{PROC}/sys/[^k]** w,',
  'deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w,',
  'deny @{PROC}/sysrq-trigger rwklx,',
  'deny @{PROC}/mem rwklx,',
  'deny @{PROC}/kmem rwklx,',
  'deny @{PROC}/kcore rwklx,',
  'deny mount,',
  // Of /sys, only cgroups may be written.
  'deny /sys/[^f]*/** wklx,',
  'deny /sys/f[^s]*/** wklx,',
  'deny /sys/fs/[^c]*/** wklx,',
  'deny /sys/fs/c[^g]*/** wklx,',
  'deny /sys/fs/cg[^r]*/** wklx,',
  'deny /sys/firmware/** rwklx,',
  'deny /sys/devices/virtual/powercap/** rwklx,',
  'deny /sys/kernel/security/** rwklx,',
];

/** Signals come from outside and go to one's own kind; tracing stays among it. */
const peerRules = (name: string) => [
  'signal (receive) peer=unconfined,',
  `signal (send,receive) peer=${name},`,
  `ptrace (trace,read,tracedby,readby) peer=${name},`,
];

function checkName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)) {
    throw invalidArgument(
      `apparmor profile ${JSON.stringify(name.slice(0, 160))}: wanted letters, digits, dots, dashes and underscores`,
    );
  }
}

async function load(parser: string, text: string): Promise<void> {
  const done = Promise.withResolvers<void>();
  const child = execFile(parser, ['-K', '-r'], { timeout: 30_000 }, (cause, _, stderr) => {
    if (cause === null) done.resolve();
    else done.reject(wrap(cause, `apparmor: ${stderr.trim().slice(0, 1024) || messageOf(cause)}`));
  });
  // A parser that ends without reading says why by its exit.
  child.stdin?.on('error', () => {}).end(text);
  await done.promise;
}
