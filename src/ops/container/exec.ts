import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { fault, invalidArgument } from '#base/errors';
import { packProcess, unpackSpec } from '#client/any-json';
import { userInContainer } from '#client/container-user';
import { deleteProcessIfThere } from '#client/task';
import { fifoIo, nullIo, type TaskIo } from '#client/task-io';
import type { Container } from '#core/containers/containers';
import { currentCapabilities } from '#lib/oci/spec/capabilities';
import type { Process } from '#lib/oci/spec/spec';
import { spawn } from '#sys/process';
import type { Engine } from '../engine.ts';
import { type UserStreams, watchedInput } from './streams.ts';
import { runningTask } from './task-state.ts';

export interface ExecOptions {
  readonly args: readonly string[];
  readonly env?: readonly string[];
  readonly workdir?: string;
  /** `name|uid[:group|gid]`; empty: the container's. */
  readonly user?: string;
  readonly tty?: boolean;
  readonly privileged?: boolean;
}

export interface ExecAttached {
  readonly streams: UserStreams;
  readonly detachKeys: Uint8Array;
  readonly onStarted?: (execId: string) => Disposable;
}

/** Runs a further process in a container and does not wait for it. @throws conflict in docker's words when it does not run or is paused */
export async function execDetached(engine: Engine, container: Container, options: ExecOptions): Promise<void> {
  const { client, scope } = engine;
  const execId = await register(engine, container, options, nullIo());
  try {
    await client.tasks.start(scope, container.id, execId);
  } catch (thrown) {
    await deleteProcessIfThere(client, scope, container.id, execId, 'kill');
    throw thrown;
  }
}

/** The same, staying with it until it ends, or the user leaves: undefined then. @throws as `execDetached` */
export async function execAttached(
  engine: Engine,
  container: Container,
  options: ExecOptions,
  { streams, detachKeys, onStarted }: ExecAttached,
): Promise<{ readonly exitCode: number } | undefined> {
  const { client, scope } = engine;
  const { id } = container;
  const detached = Promise.withResolvers<'detached'>();
  const stdin =
    streams.stdin === undefined
      ? undefined
      : watchedInput(streams.stdin, detachKeys, () => detached.resolve('detached'));
  const all = { ...streams, ...(stdin !== undefined && { stdin }) };
  const execId = newExecId();
  let keep = false;
  await using io = await fifoIo(execId, all, { terminal: options.tty ?? false });
  await register(engine, container, options, io, execId);
  try {
    const waiting = client.tasks.wait(scope, id, execId);
    waiting.catch(() => {}); // when the start fails, that is what to tell
    await client.tasks.start(scope, id, execId);
    using _started = onStarted?.(execId);
    // It may have ended before its input does.
    io.startInput(() => client.tasks.closeIo(scope, id, execId, true).catch(() => {}));
    const ended = Promise.all([waiting, io.drained]).then(([exit]) => exit);
    const first = await Promise.race([ended, detached.promise]);
    keep = first === 'detached';
    if (keep) leaveReader(io.stdio.stdout);
    return first === 'detached' ? undefined : { exitCode: first.exitStatus };
  } finally {
    if (!keep) await deleteProcessIfThere(client, scope, id, execId, 'kill');
  }
}

/**
 * What goes on without a user must have somebody who takes what it says, or it would stand still once its fifo is full: a small process that ends
 * with it. The shim has the other end open, so that opening ours does not wait.
 */
function leaveReader(fifo: string): void {
  const fd = openSync(fifo, 'r');
  try {
    spawn(['cat'], { env: { PATH: '/usr/bin:/bin' }, stdin: fd, detached: true });
  } finally {
    closeSync(fd);
  }
}

const newExecId = (): string => randomBytes(32).toString('hex');

async function register(
  engine: Engine,
  container: Container,
  options: ExecOptions,
  { stdio }: TaskIo,
  execId = newExecId(),
): Promise<string> {
  const { client, scope } = engine;
  const { id } = container;
  // Both at once: nearly always it runs. What is registered with one that does not is taken back.
  const state = runningTask(engine, id);
  state.catch(() => {}); // told below
  const spec = packProcess(await processOf(engine, container, options));
  const terminal = options.tty ?? false;
  const registered = client.tasks.exec(scope, id, { execId, ...stdio, terminal, spec });
  registered.catch(() => {});
  try {
    const { status } = await state;
    if (status !== 'running') throw fault('conflict', `Container ${id} is paused, unpause the container before exec`);
  } catch (thrown) {
    await registered.then(
      () => deleteProcessIfThere(client, scope, id, execId, 'kill'),
      () => {}, // there is none
    );
    throw thrown;
  }
  await registered;
  return execId;
}

/** After the container's own process. */
async function processOf(engine: Engine, container: Container, options: ExecOptions): Promise<Process> {
  const { client, scope } = engine;
  const { process } = unpackSpec(container.spec);
  if (process === undefined) throw invalidArgument(`container ${container.id} has no process to take after`);
  const { args, env = [], workdir = '', user = '', tty = false, privileged = false } = options;
  const { consoleSize: _, apparmorProfile, ...usual } = process;
  const account = user === '' ? usual.user : await userInContainer(client, scope, container, user);
  const bounding = privileged ? await currentCapabilities() : (usual.capabilities?.bounding ?? []);
  return {
    ...usual,
    terminal: tty,
    args,
    env: withVariables(usual.env ?? [], tty && !hasVariable(usual.env, 'TERM') ? ['TERM=xterm', ...env] : env),
    ...(workdir !== '' && { cwd: workdir }),
    user: account,
    capabilities: capabilitiesFor(account.uid, bounding),
    ...(apparmorProfile !== undefined && !privileged && { apparmorProfile }),
  };
}

/** As the kernel gives them to a program: to root's all that are within bounds. */
const capabilitiesFor = (uid: number, bounding: readonly string[]): NonNullable<Process['capabilities']> =>
  uid === 0 ? { bounding, effective: bounding, permitted: bounding } : { bounding };

const nameOf = (variable: string): string => variable.split('=', 1)[0] ?? '';
const hasVariable = (env: readonly string[] | undefined, name: string): boolean =>
  (env ?? []).some((one) => nameOf(one) === name);

/** Later ones take the place of earlier ones of the same name. */
function withVariables(env: readonly string[], more: readonly string[]): readonly string[] {
  const all = new Map([...env, ...more].map((one) => [nameOf(one), one]));
  return [...all.values()];
}
