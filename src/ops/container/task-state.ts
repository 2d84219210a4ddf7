import { fault, isFault } from '#base/errors';
import type { Process } from '#core/runtime/runtime';
import type { Engine } from '../engine.ts';

/** How a container's task is; undefined when it has none. */
export async function taskOf({ client, scope }: Engine, id: string): Promise<Process | undefined> {
  try {
    return await client.tasks.state(scope, id, '');
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  }
}

export const isAlive = (task: Process | undefined): task is Process =>
  task !== undefined && (task.status === 'running' || task.status === 'paused' || task.status === 'pausing');

/** Its task, which runs or is paused. @throws conflict in docker's words */
export async function runningTask(engine: Engine, id: string): Promise<Process> {
  const task = await taskOf(engine, id);
  if (isAlive(task)) return task;
  throw fault('conflict', `Container ${id} is not running`);
}
