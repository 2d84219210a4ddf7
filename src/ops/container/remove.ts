import { fault, isFault } from '#base/errors';
import { deleteTaskIfThere } from '#client/task';
import type { Container } from '#core/containers/containers';
import { removeContainer as removeRecord } from '#core/engine/remove';
import type { Engine } from '../engine.ts';
import { wishStopped } from './restart-wish.ts';
import { killNow } from './stop.ts';
import { taskOf } from './task-state.ts';

export interface RemoveOptions {
  /** Ends it first, if it runs. */
  readonly force?: boolean;
  /** With its anonymous volumes. */
  readonly volumes?: boolean;
}

/** Removes a container with everything that is its alone. @throws conflict in docker's words for one that runs */
export async function removeContainer(
  engine: Engine,
  container: Container,
  options: RemoveOptions = {},
): Promise<void> {
  const { client, scope } = engine;
  const { force = false, volumes = false } = options;
  const { id } = container;
  const task = await taskOf(engine, id);
  if (!force) checkEnded(id, task?.status);
  await wishStopped(engine, container).catch(ignoreGone);
  if (force) await killNow(engine, id);
  await deleteTaskIfThere(client, scope, id, force ? 'kill' : 'leave');
  const late = await taskOf(engine, id);
  if (late !== undefined) checkEnded(id, late.status); // somebody has started it meanwhile
  const snapshotter = (_: typeof scope, name: string) => client.snapshotter(scope, name);
  await removeRecord({ containers: client.containers, snapshotter }, scope, container, { volumes });
}

function checkEnded(id: string, status: string | undefined): void {
  if (status === 'running' || status === 'created')
    throw fault(
      'conflict',
      `You cannot remove a running container ${id}. Stop the container before attempting removal or force remove`,
    );
  if (status === 'paused' || status === 'pausing')
    throw fault(
      'conflict',
      `You cannot remove a paused container ${id}. Unpause and then stop the container before attempting removal or force remove`,
    );
}

function ignoreGone(thrown: unknown): void {
  if (!isFault(thrown, 'not_found')) throw thrown;
}
