import { writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { fault, isFault, messageOf } from '#base/errors';
import { unpackSpec } from '#client/any-json';
import { createTask, deleteTaskIfThere, type TaskOptions } from '#client/task';
import type { Container } from '#core/containers/containers';
import { settingsOf } from '#core/engine/container-settings';
import { neverStarted, readLifecycle, writeLifecycle } from '#core/engine/lifecycle-file';
import { stdioOf } from '#core/engine/stdio';
import type { Stdio } from '#core/runtime/runtime';
import type { Engine } from '../engine.ts';
import { nerdctlLabels } from './labels.ts';
import { wishRunning } from './restart-wish.ts';
import { taskOf } from './task-state.ts';

/** A task that was created and is to be started: in between, whoever attaches to it misses nothing. */
export interface PreparedStart {
  readonly pid: number;
  /** @throws why its process cannot be; the task is gone then */
  begin(): Promise<void>;
  /** It is not to be started after all. */
  abandon(): Promise<void>;
}

export interface StartOptions extends TaskOptions {
  /** It has just been made: there can be no task yet, so that nobody is asked for one. */
  readonly fresh?: boolean;
}

/** Starts a container; one that runs already is left as it is. @throws what is wrong with it; nothing runs then */
export async function startContainer(engine: Engine, container: Container, options: StartOptions = {}): Promise<void> {
  await (await prepareStart(engine, container, options))?.begin();
}

/** How often others may be met who do the same: a client, or the daemon's monitor. */
const attempts = 5;
const othersMs = 2_000;

/**
 * Makes a container's task. Undefined when it has one that runs, or that somebody else is starting.
 * @throws conflict for one that is paused, in docker's words; what is wrong with it
 */
export async function prepareStart(
  engine: Engine,
  container: Container,
  options: StartOptions = {},
): Promise<PreparedStart | undefined> {
  const { id } = container;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const mayHaveTask = options.fresh !== true || attempt > 0;
    if (mayHaveTask && (await hasTask(engine, id))) return undefined;
    const pid = await createOnce(engine, container, options);
    if (pid !== undefined) return prepared(engine, container, pid);
  }
  throw fault('aborted', `container ${id} is being started and stopped by others`);
}

/** Whether there is a task that runs. One that has ended is taken down. */
async function hasTask(engine: Engine, id: string): Promise<boolean> {
  const { client, scope } = engine;
  for (const until = Date.now() + othersMs; ; await wait(20)) {
    const task = await taskOf(engine, id);
    if (task === undefined) return false;
    if (task.status === 'paused' || task.status === 'pausing')
      throw fault('conflict', 'cannot start a paused container, try unpause instead');
    if (task.status === 'running') return true;
    // One that was created is somebody's who starts it at any moment, unless he has died.
    if (task.status === 'created' && Date.now() < until) continue;
    await deleteTaskIfThere(client, scope, id, task.status === 'created' ? 'kill' : 'leave');
    return false;
  }
}

/** Undefined when somebody else came first. */
async function createOnce(
  engine: Engine,
  container: Container,
  { fresh: _, ...options }: StartOptions,
): Promise<number | undefined> {
  const { client, scope } = engine;
  try {
    return (await createTask(client, scope, container, stdioFor(container), options)).pid;
  } catch (thrown) {
    if (isFault(thrown, 'already_exists')) return undefined;
    await noteFailure(container, thrown);
    throw thrown;
  }
}

function prepared(engine: Engine, container: Container, pid: number): PreparedStart {
  const { client, scope } = engine;
  const abandon = () => deleteTaskIfThere(client, scope, container.id, 'kill');
  return {
    pid,
    begin: async () => {
      try {
        await wishRunning(engine, container);
        await writePidFile(container, pid);
        await client.tasks.start(scope, container.id, '');
      } catch (thrown) {
        await abandon();
        await noteFailure(container, thrown);
        throw thrown;
      }
    },
    abandon,
  };
}

async function writePidFile({ labels }: Container, pid: number): Promise<void> {
  const path = labels[nerdctlLabels.pidFile] ?? '';
  if (path !== '') await writeFile(path, String(pid), { mode: 0o644 });
}

/** So that `inspect` can say why it does not run. */
async function noteFailure(container: Container, thrown: unknown): Promise<void> {
  const settings = settingsOf(container);
  if (settings === undefined) return;
  const { startedAt } = await readLifecycle(settings.stateDir);
  const exitCode = 128;
  await writeLifecycle(settings.stateDir, {
    ...neverStarted,
    startedAt,
    finishedAt: startedAt,
    exitCode,
    createError: messageOf(thrown),
  });
}

/** A container of another program's gets no streams. */
function stdioFor(container: Container): Stdio {
  const settings = settingsOf(container);
  if (settings !== undefined) return stdioOf(settings);
  return { stdin: '', stdout: '', stderr: '', terminal: unpackSpec(container.spec).process?.terminal ?? false };
}
