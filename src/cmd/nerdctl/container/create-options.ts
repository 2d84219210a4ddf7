import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault, invalidArgument, wrap } from '#base/errors';
import type { CreateOptions, HealthOptions, PullPolicy } from '#ops/container/create-options';
import * as environment from '#ops/container/parse/environment';
import { parseLog } from '#ops/container/parse/log';
import { parseRestart } from '#ops/container/parse/restart';
import { parseSecurityOptions } from '#ops/container/parse/security';
import { parseSignal } from '#ops/container/parse/signal';
import { FlagFault } from '../../cli/flags.ts';
import type { NerdctlInvocation } from '../globals.ts';
import { withoutPhrase } from '../words.ts';
import { limitOptions } from './create-limits.ts';
import { mountOptions } from './create-mounts.ts';
import { namespaceOptions } from './create-namespaces.ts';
import { networkOptions } from './create-network.ts';
import { readAll, readOne } from './read-flags.ts';
import type { ContainerFlags } from './run-flags.ts';

/** Of a command that has these flags, and maybe more. */
export interface ContainerInvocation extends Pick<NerdctlInvocation<ContainerFlags>, 'flags' | 'args' | 'io'> {
  readonly given: ReadonlySet<string>;
}
type Streams = CreateOptions['streams'];

/** Reads what users wrote: flags, their files, and the words IMAGE [COMMAND] [ARG...]. @throws FlagFault in docker's words */
export async function createOptions(invocation: ContainerInvocation): Promise<CreateOptions> {
  try {
    return await read(invocation);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    throw new FlagFault(withoutPhrase(thrown), { cause: thrown });
  }
}

async function read(invocation: ContainerInvocation): Promise<CreateOptions> {
  const { flags, given, args, io } = invocation;
  const [image = '', ...command] = args;
  const restart = parseRestart(flags.restart);
  if (flags.rm && restart.name !== 'no')
    throw new FlagFault('conflicting options: cannot specify both --restart and --rm');
  if (!flags['disable-content-trust'])
    throw new FlagFault('--disable-content-trust=false: there is no content trust here; see the image verifiers');
  return {
    image: flags.rootfs ? resolve(io.cwd, image) : image,
    args: command,
    name: flags.name,
    rootfs: flags.rootfs,
    platform: flags.platform,
    pull: pullPolicy(flags.pull),
    runtime: flags.runtime,
    labels: await labels(invocation),
    annotations: Object.fromEntries(flags.annotation.map(environment.parseLabel)),
    process: await processOptions(invocation),
    streams: streamOptions(invocation),
    limits: limitOptions(invocation),
    security: {
      ...parseSecurityOptions(flags['security-opt']),
      privileged: flags.privileged,
      capAdd: flags['cap-add'],
      capDrop: flags['cap-drop'],
    },
    namespaces: namespaceOptions(invocation),
    mounts: mountOptions(invocation),
    network: networkOptions(invocation),
    log: parseLog(flags['log-driver'], flags['log-opt']),
    health: healthOptions(invocation),
    restart,
    autoRemove: flags.rm,
    ...(given.has('cidfile') && { cidFile: resolve(io.cwd, flags.cidfile) }),
    ...(given.has('pidfile') && { pidFile: resolve(io.cwd, flags.pidfile) }),
  };
}

/** Who creates it is attached to all of it, unless he says to what, or (of `run`) that he is not. */
function streamOptions({ flags }: ContainerInvocation): Streams {
  const { tty, interactive, detach = false } = flags as ContainerInvocation['flags'] & { readonly detach?: boolean };
  const named = flags.attach.map(stream);
  if (detach && named.length > 0) throw new FlagFault('conflicting options: cannot specify both --attach and --detach');
  const all = detach ? [] : ([...(interactive ? (['stdin'] as const) : []), 'stdout', 'stderr'] as const);
  return { tty, interactive, attach: named.length > 0 ? named : all };
}

function pullPolicy(text: string): PullPolicy {
  if (text === 'always' || text === 'missing' || text === 'never') return text;
  throw new FlagFault(`invalid pull option: '${text}': must be one of "always", "missing" or "never"`);
}

function stream(text: string): 'stdin' | 'stdout' | 'stderr' {
  const lower = text.toLowerCase();
  if (lower === 'stdin' || lower === 'stdout' || lower === 'stderr') return lower;
  throw new FlagFault(
    `invalid argument ${JSON.stringify(text)} for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR`,
  );
}

async function processOptions({ flags, given, io }: ContainerInvocation): Promise<CreateOptions['process']> {
  const files: string[] = [];
  for (const path of flags['env-file'])
    files.push(...environment.parseEnvFile(await contentOf(io.cwd, path), path, io.env));
  const env = readAll('env', flags.env, (text) => environment.parseEnv(text, io.env));
  if (given.has('stop-signal')) parseSignal(flags['stop-signal']);
  return {
    ...(given.has('entrypoint') && { entrypoint: flags.entrypoint === '' ? [] : [flags.entrypoint] }),
    env: [...files, ...env],
    workdir: flags.workdir,
    user: flags.user,
    umask: given.has('umask') ? readOne('umask', flags.umask, umask) : undefined,
    groups: flags['group-add'],
    hostname: flags.hostname,
    domainname: flags.domainname,
    stopSignal: flags['stop-signal'],
    stopTimeout: given.has('stop-timeout') ? flags['stop-timeout'] : undefined,
    init: flags.init || given.has('init-binary'),
    initBinary: flags['init-binary'],
    systemd: systemd(flags.systemd),
  };
}

function umask(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text) || Number.parseInt(text, 8) > 0o777) throw invalidArgument(`invalid umask: ${text}`);
  return Number.parseInt(text, 8);
}

function systemd(text: string): 'true' | 'false' | 'always' {
  if (text === 'true' || text === 'false' || text === 'always') return text;
  throw new FlagFault(`invalid argument ${JSON.stringify(text)} for "--systemd" flag: wanted true, false or always`);
}

async function labels({ flags, io }: ContainerInvocation): Promise<Readonly<Record<string, string>>> {
  const files: (readonly [string, string])[] = [];
  for (const path of flags['label-file'])
    files.push(...environment.parseLabelFile(await contentOf(io.cwd, path), path));
  return Object.fromEntries([...files, ...readAll('label', flags.label, environment.parseLabel)]);
}

async function contentOf(cwd: string, path: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, path), 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT')
      throw new FlagFault(`open ${path}: no such file or directory`, { cause: thrown });
    throw wrap(thrown, path);
  }
}

function healthOptions({ flags, given }: ContainerInvocation): HealthOptions | undefined {
  const names = ['interval', 'timeout', 'start-period', 'start-interval'] as const;
  const all = ['health-cmd', 'health-retries', ...names.map((name) => `health-${name}` as const)] as const;
  if (flags['no-healthcheck']) {
    if (all.some((name) => given.has(name))) throw new FlagFault('--no-healthcheck conflicts with --health-* options');
    return 'none';
  }
  if (!all.some((name) => given.has(name))) return undefined;
  for (const name of names) if (flags[`health-${name}`] < 0) throw new FlagFault(`--health-${name} cannot be negative`);
  if (flags['health-retries'] < 0) throw new FlagFault('--health-retries cannot be negative');
  return {
    ...(flags['health-cmd'] !== '' && { command: ['CMD-SHELL', flags['health-cmd']] }),
    intervalMs: flags['health-interval'],
    timeoutMs: flags['health-timeout'],
    startPeriodMs: flags['health-start-period'],
    startIntervalMs: flags['health-start-interval'],
    retries: flags['health-retries'],
  };
}
