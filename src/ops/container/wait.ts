import { throwIfAborted } from '#base/cancellation';
import { isFault } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { settingsOf } from '#core/engine/container-settings';
import { readLifecycle } from '#core/engine/lifecycle-file';
import type { Engine } from '../engine.ts';
import { taskOf } from './task-state.ts';

/** Waits until a container's process has ended; its exit code. At once for one that does not run: its last, or 0. */
export async function waitContainer(engine: Engine, container: Container): Promise<number> {
  const task = await taskOf(engine, container.id);
  if (task?.status === 'stopped') return task.exitStatus;
  if (task !== undefined) {
    try {
      return (await engine.client.tasks.wait(engine.scope, container.id, '')).exitStatus;
    } catch (thrown) {
      if (!isFault(thrown, 'not_found')) throw thrown;
    }
  }
  const settings = settingsOf(container);
  return settings === undefined ? 0 : (await readLifecycle(settings.stateDir)).exitCode;
}

/** A look at whether a container is gone, begun before it can go. */
export interface Removal extends Disposable {
  /** @throws as `waitRemoved` */
  wait(): Promise<void>;
}

/** Hears of a container's removal from the daemon, and looks for itself should it hear nothing. */
export function watchRemoval(engine: Engine, id: string): Removal {
  const { client, scope } = engine;
  const stop = new AbortController();
  const heard = (async () => {
    const filter = `topic==${JSON.stringify(deleted)},namespace==${JSON.stringify(scope.namespace)},event.id==${id}`;
    for await (const _ of client.events.subscribe(stop.signal, [filter])) return;
    await new Promise<never>(() => {});
  })();
  heard.catch(() => {}); // a daemon that has gone tells nothing: looking finds out
  return {
    wait: () => waitRemoved(engine, id, heard),
    [Symbol.dispose]: () => stop.abort(),
  };
}

const deleted = '/containers/delete';
const longestPauseMs = 100;
const daemonMs = 60_000;
/** Removals take less, unless the machine is busy or somebody was not heard. */
const hearingMs = 500;

/**
 * Waits until a container that goes with its process is gone. A daemon that is started anew is waited for.
 *
 * @param heard settles when somebody says so
 * @throws what the scope's signal says
 */
export async function waitRemoved({ client, scope }: Engine, id: string, heard?: Promise<void>): Promise<void> {
  const told = heard?.then(
    () => true,
    () => false,
  );
  if (told !== undefined && (await Promise.race([told, pause(hearingMs)])) === true) return;
  let lastAnswerMs = Date.now();
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      await client.containers.get(scope, id);
      lastAnswerMs = Date.now();
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return;
      if (!isFault(thrown, 'unavailable') || Date.now() - lastAnswerMs > daemonMs) throw thrown;
    }
    throwIfAborted(scope.signal);
    await pause(pauseMs);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
