import { fault } from '#base/errors';
import type { Container } from '#core/containers/containers';
import type { Engine } from '../engine.ts';
import { runningTask } from './task-state.ts';

/** Freezes all processes of a container. @throws conflict in docker's words when it does not run or is paused */
export async function pauseContainer(engine: Engine, { id }: Container): Promise<void> {
  const { status } = await runningTask(engine, id);
  if (status !== 'running') throw fault('conflict', `Container ${id} is already paused`);
  await engine.client.tasks.pause(engine.scope, id);
}

/** Lets them go on. @throws conflict in docker's words when it does not run or is not paused */
export async function unpauseContainer(engine: Engine, { id }: Container): Promise<void> {
  const { status } = await runningTask(engine, id);
  if (status === 'running') throw fault('conflict', `Container ${id} is not paused`);
  await engine.client.tasks.resume(engine.scope, id);
}
