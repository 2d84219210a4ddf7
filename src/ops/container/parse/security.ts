import { invalidArgument, notImplemented } from '#base/errors';

export interface SecurityOptions {
  readonly privileged?: boolean | undefined;
  /** Names as users write them, `ALL` too. */
  readonly capAdd?: readonly string[] | undefined;
  readonly capDrop?: readonly string[] | undefined;
  /** A file's path, `unconfined`, `builtin`; absent: the default. */
  readonly seccomp?: string | undefined;
  /** A profile's name, `unconfined`; absent: the default where the kernel has AppArmor. */
  readonly apparmor?: string | undefined;
  readonly noNewPrivileges?: boolean | undefined;
  /** Nothing of /proc and /sys hidden or read-only. */
  readonly systemPathsUnconfined?: boolean | undefined;
  readonly writableCgroups?: boolean | undefined;
  readonly privilegedWithoutHostDevices?: boolean | undefined;
  /** As they were given, for those who look. */
  readonly given?: readonly string[] | undefined;
}

/** Reads the values of `--security-opt`. @throws invalid_argument in docker's words; not_implemented for SELinux */
export function parseSecurityOptions(texts: readonly string[]): SecurityOptions {
  let options: SecurityOptions = {};
  for (const text of texts) options = { ...options, ...one(text) };
  return texts.length === 0 ? options : { ...options, given: texts };
}

function one(text: string): SecurityOptions {
  // A colon is docker's old way.
  const [, name = text, value] = /^([a-z-]+)[=:](.*)$/s.exec(text) ?? [];
  const bad = () => invalidArgument(`invalid --security-opt 2: ${JSON.stringify(text)}`);
  const wanted = () => {
    if (value === undefined || value === '') throw bad();
    return value;
  };
  switch (name) {
    case 'seccomp':
      return { seccomp: wanted() };
    case 'apparmor':
      return { apparmor: wanted() };
    case 'no-new-privileges':
      return { noNewPrivileges: truth(value, bad) };
    case 'systempaths':
      if (value !== 'unconfined') throw bad();
      return { systemPathsUnconfined: true };
    case 'writable-cgroups':
      return { writableCgroups: truth(value, bad) };
    case 'privileged-without-host-devices':
      return { privilegedWithoutHostDevices: truth(value, bad) };
    case 'label':
      if (value === 'disable') return {};
      throw notImplemented(`--security-opt ${text}: SELinux labels`);
    default:
      throw value === undefined ? invalidArgument(`Invalid --security-opt: ${JSON.stringify(text)}`) : bad();
  }
}

function truth(value: string | undefined, bad: () => Error): boolean {
  if (value === undefined || /^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw bad();
}
