import { isFault } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { settingsOf } from '#core/engine/container-settings';
import type { Engine } from '../engine.ts';
import { parseSignal } from './parse/signal.ts';
import { wishStopped } from './restart-wish.ts';
import { sigkill } from './signal.ts';
import { isAlive, taskOf } from './task-state.ts';

export interface StopOptions {
  /** Seconds until it is killed; -1: never; absent: as the container says. */
  readonly timeout?: number;
  /** Absent: the container's own. */
  readonly signal?: string;
}

const defaultTimeout = 10;
/** How long the kernel may take to end what it was told to kill: a process that waits for a disk. */
const killMs = 30_000;

/** Ends a container's process, gently first, and keeps the daemon from starting it again. One that does not run is left so. @throws invalid_argument for the signal */
export async function stopContainer(engine: Engine, container: Container, options: StopOptions = {}): Promise<void> {
  const settings = settingsOf(container);
  const signal = parseSignal(options.signal || settings?.stopSignal || imageSignal(container) || 'SIGTERM');
  // Before the task is looked at: see the daemon's monitor, which looks the other way round.
  await wishStopped(engine, container);
  const task = await taskOf(engine, container.id);
  if (task === undefined || task.status === 'stopped') return;
  const ended = untilEnded(engine, container.id);
  if (task.status === 'created') return await endNow(engine, container.id, ended);
  const timeout = options.timeout ?? settings?.stopTimeout ?? defaultTimeout;
  if (timeout !== 0) {
    await sendSignal(engine, container.id, signal);
    if (isAlive(task) && task.status !== 'running') await resume(engine, container.id);
    if (await within(ended, timeout < 0 ? undefined : timeout * 1000)) return;
  }
  await endNow(engine, container.id, ended);
}

/** Kills everything in a container and waits until it has ended. */
export const killNow = (engine: Engine, id: string): Promise<void> => endNow(engine, id, untilEnded(engine, id));

async function endNow(engine: Engine, id: string, ended: Promise<void>): Promise<void> {
  await sendSignal(engine, id, sigkill);
  const task = await taskOf(engine, id);
  // What is paused takes no signal before it goes on.
  if (task?.status === 'paused' || task?.status === 'pausing') await resume(engine, id);
  if (!(await within(ended, killMs)))
    throw new Error(`container ${id} was killed and has not ended within ${killMs / 1000} s`);
}

/** Settles also when its task is gone. */
function untilEnded({ client, scope }: Engine, id: string): Promise<void> {
  const ended = client.tasks.wait(scope, id, '').then(() => {}, ignoreGone);
  ended.catch(() => {}); // told by whoever waits for it, unless something else went wrong first
  return ended;
}

/** To the first process. One that is gone needs none. */
export async function sendSignal({ client, scope }: Engine, id: string, signal: number): Promise<void> {
  await client.tasks.kill(scope, id, { execId: '', signal, all: signal === sigkill }).catch(ignoreGone);
}

export const resume = ({ client, scope }: Engine, id: string): Promise<void> =>
  client.tasks.resume(scope, id).catch(ignoreGone);

/** False when the time is over first; without a time it waits as long as it takes. */
async function within(work: Promise<void>, ms: number | undefined): Promise<boolean> {
  const done = work.then(() => true);
  done.catch(() => {}); // told below, unless the time was over first
  if (ms === undefined) return await done;
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  return await Promise.race([done, late.promise]).finally(() => clearTimeout(timer));
}

function ignoreGone(thrown: unknown): void {
  if (!isFault(thrown, 'not_found') && !isFault(thrown, 'failed_precondition')) throw thrown;
}

const imageSignal = ({ labels }: Container): string => labels['io.containerd.image.config.stop-signal'] ?? '';
