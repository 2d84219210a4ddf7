import { setTimeout as wait } from 'node:timers/promises';
import { fault, invalidArgument, isFault } from '#base/errors';
import { type Attachment, openAttachment } from '#client/attach';
import type { Container } from '#core/containers/containers';
import { type ContainerSettings, settingsOf } from '#core/engine/container-settings';
import { readLifecycle } from '#core/engine/lifecycle-file';
import type { ProcessExit } from '#core/runtime/runtime';
import { parseLogUri } from '#lib/log-uri';
import type { Engine } from '../engine.ts';
import { requireSettings } from './change-settings.ts';
import { prepareStart, type StartOptions } from './start.ts';
import { copyStreams, type UserStreams } from './streams.ts';
import { runningTask } from './task-state.ts';

export interface AttachOptions {
  readonly streams: UserStreams;
  /** What leaves the container running when it is typed; empty for nothing. See `#lib/detach-keys`. */
  readonly detachKeys: Uint8Array;
  /** The task is there: its terminal can be given a size before its process begins. */
  readonly onCreated?: () => Promise<void>;
  /** The process runs: signals can be sent to it. What is returned is disposed when it has ended. */
  readonly onStarted?: () => Disposable;
}

/** Undefined: the user has left it running. */
export type AttachEnd = { readonly exitCode: number } | undefined;

/** Stays with a container that runs until it ends or the user leaves. @throws conflict in docker's words when it does not run or is paused */
export async function attachContainer(
  engine: Engine,
  container: Container,
  options: AttachOptions,
): Promise<AttachEnd> {
  const task = await runningTask(engine, container.id);
  if (task.status !== 'running') throw fault('conflict', 'You cannot attach to a paused container, unpause it first');
  await using attachment = await openTo(engine, container, options);
  const exit = waitFor(engine, container);
  exit.catch(() => {}); // told at the end
  await options.onCreated?.();
  using _started = options.onStarted?.();
  return await untilEnd(attachment, options, exit);
}

/**
 * Starts a container and stays with it until it ends or the user leaves: nothing of what it says is missed.
 * One that runs already is attached to. @throws what is wrong with it; nothing runs then
 */
export async function startAttached(
  engine: Engine,
  container: Container,
  options: AttachOptions,
  how: StartOptions = {},
): Promise<AttachEnd> {
  const start = await prepareStart(engine, container, how);
  if (start === undefined) return await attachContainer(engine, container, options);
  let begun = false;
  try {
    await using attachment = await openTo(engine, container, options);
    const exit = waitFor(engine, container);
    exit.catch(() => {});
    await options.onCreated?.();
    begun = true;
    await start.begin();
    using _started = options.onStarted?.();
    return await untilEnd(attachment, options, exit);
  } catch (thrown) {
    if (!begun) await start.abandon();
    throw thrown;
  }
}

async function untilEnd(
  attachment: Attachment,
  { streams, detachKeys }: AttachOptions,
  exit: Promise<ProcessExit>,
): Promise<AttachEnd> {
  if ((await copyStreams(attachment, streams, detachKeys)) === 'detached') return undefined;
  return { exitCode: (await exit).exitStatus };
}

async function openTo({ scope }: Engine, container: Container, { streams }: AttachOptions): Promise<Attachment> {
  const socket = attachSocketOf(requireSettings(container));
  return await openAttachment(socket, { signal: scope.signal, input: streams.stdin !== undefined });
}

/** @throws invalid_argument for one that has none */
function attachSocketOf({ streams }: ContainerSettings): string {
  const { attach } = streams.stdout.startsWith('log://') ? parseLogUri(streams.stdout) : { attach: '' };
  if (attach === '') throw invalidArgument('nobody can attach to the streams of this container');
  return attach;
}

const daemonMs = 60_000;

/** The end of its process, also when the daemon is started anew in between. */
async function waitFor(engine: Engine, container: Container): Promise<ProcessExit> {
  const { client, scope } = engine;
  for (let until = 0; ; await wait(200)) {
    try {
      return await client.tasks.wait(scope, container.id, '');
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return await lastExit(container);
      if (!isFault(thrown, 'unavailable') || scope.signal.aborted) throw thrown;
      until ||= Date.now() + daemonMs;
      if (Date.now() > until) throw thrown;
    }
  }
}

async function lastExit(container: Container): Promise<ProcessExit> {
  const settings = settingsOf(container);
  const { finishedAt, exitCode } = await readLifecycle(settings?.stateDir ?? '');
  // Removed before anybody could ask: nobody knows.
  return { id: container.id, pid: 0, exitStatus: finishedAt === '' ? 255 : exitCode };
}
