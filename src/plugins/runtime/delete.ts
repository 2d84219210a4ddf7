import { DeleteRequestSchema, DeleteResponseSchema } from '#api/runtime/task/v2/task_pb';
import { classOf, isFault, notFound } from '#base/errors';
import { failpoint } from '#base/failpoints';
import { now } from '#base/timestamp';
import type { ProcessExit } from '#core/runtime/runtime';
import type { Scope } from '#core/scope';
import { removeBundle } from './bundle.ts';
import { buryTask, unknownExit } from './dead-shim.ts';
import type { Environment } from './environment.ts';
import { shutDown } from './launch.ts';
import { callFor } from './shim.ts';
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
    // Another delete was quicker, and has answered its caller.
    if (task.burial === undefined && env.tasks.find(task.namespace, task.id) !== task)
      throw notFound(`task ${task.id}`, thrown);
    if (await isHopeless(env, task, thrown)) return deleteDead(task, env);
    if (!isFault(thrown, 'not_found')) throw thrown;
    exit = unknownExit(task.id); // the shim answers and has none: there is nothing more to ask
    if (!task.exitTold) await env.exits.tell(task.namespace, exit, false);
  }
  task.deleting = true;
  env.tasks.remove(task);
  await failpoint?.('task.deleted');
  await shutDown(env, task.shim);
  await failpoint?.('task.shim.ended');
  await env.mounts.release(task);
  await removeBundle(task.shim.bundle, env.log);
  return exit;
}

export const deleteProcess = (env: Environment, scope: Scope, task: Task, execId: string): Promise<ProcessExit> =>
  callDelete(env, scope, task, execId);

async function callDelete(env: Environment, scope: Scope, task: Task, execId: string): Promise<ProcessExit> {
  const calling = callFor(scope, env.limits.call);
  const request = { id: task.id, execId };
  const { pid, exitStatus, exitedAt } = await task.shim.call(
    'Delete',
    [DeleteRequestSchema, request],
    DeleteResponseSchema,
    calling,
  );
  return { id: execId === '' ? task.id : execId, pid, exitStatus, exitedAt: fromWireTimestamp(exitedAt) ?? now() };
}

/** A shim that is gone or hangs will never delete it. */
async function isHopeless(env: Environment, task: Task, thrown: unknown): Promise<boolean> {
  if (isFault(thrown, 'unavailable')) return true;
  return classOf(thrown) === 'deadline_exceeded' && !(await task.shim.responds(env.limits.state));
}

function deleteDead(task: Task, env: Environment): Promise<ProcessExit> {
  task.deleting = true;
  task.shim.kill();
  return buryTask(env, task);
}
