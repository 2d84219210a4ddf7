import { DeleteRequestSchema, DeleteResponseSchema } from '#api/runtime/task/v2/task_pb';
import { classOf, isFault } from '#base/errors';
import { now } from '#base/timestamp';
import type { ProcessExit } from '#core/runtime/runtime';
import type { Scope } from '#core/scope';
import { removeBundle } from './bundle.ts';
import { buryTask } from './dead-shim.ts';
import type { Environment } from './environment.ts';
import { shutDown } from './launch.ts';
import type { Task } from './task-table.ts';
import { fromWireTimestamp } from './wire.ts';

/**
 * Deletes a stopped task: in the shim, then the shim, then the bundle. The task leaves the table before its connection is closed,
 * so that the end of the connection is not taken for a shim's death.
 */
export async function deleteTask(env: Environment, scope: Scope, task: Task): Promise<ProcessExit> {
  let exit: ProcessExit;
  try {
    exit = await callDelete(env, scope, task, '');
  } catch (thrown) {
    if (!(await isHopeless(env, task, thrown))) throw thrown;
    return deleteDead(env, task);
  }
  task.deleting = true;
  env.tasks.remove(task);
  await shutDown(env, task.shim);
  await removeBundle(task.shim.bundle, env.log);
  return exit;
}

export const deleteProcess = (env: Environment, scope: Scope, task: Task, execId: string): Promise<ProcessExit> =>
  callDelete(env, scope, task, execId);

async function callDelete(env: Environment, scope: Scope, task: Task, execId: string): Promise<ProcessExit> {
  const calling = { timeoutMs: env.limits.call, signal: scope.signal };
  const request = { id: task.id, execId };
  const { pid, exitStatus, exitedAt } = await task.shim.call(
    'Delete',
    [DeleteRequestSchema, request],
    DeleteResponseSchema,
    calling,
  );
  return { id: execId === '' ? task.id : execId, pid, exitStatus, exitedAt: fromWireTimestamp(exitedAt) ?? now() };
}

/** A shim that is gone, that has no such task, or that hangs will never delete it. */
async function isHopeless(env: Environment, task: Task, thrown: unknown): Promise<boolean> {
  if (isFault(thrown, 'unavailable') || isFault(thrown, 'not_found')) return true;
  return classOf(thrown) === 'deadline_exceeded' && !(await task.shim.responds(env.limits.state));
}

async function deleteDead(env: Environment, task: Task): Promise<ProcessExit> {
  task.deleting = true;
  task.shim.kill();
  task.shim.close();
  return buryTask(env, task);
}
