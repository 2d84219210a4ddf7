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

const longestPauseMs = 100;
const daemonMs = 60_000;

/** Waits until a container that goes with its process is gone. A daemon that is started anew is waited for. @throws what the scope's signal says */
export async function waitRemoved({ client, scope }: Engine, id: string): Promise<void> {
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
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
