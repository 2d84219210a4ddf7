import { fromBinary } from '@bufbuild/protobuf';
import { DeleteResponseSchema } from '#api/runtime/task/v2/task_pb';
import { now } from '#base/timestamp';
import type { ProcessExit } from '#core/runtime/runtime';
import { type Bundle, readBundleFile, removeBundle } from './bundle.ts';
import { type Environment, paramsFor, type ShimHost } from './environment.ts';
import { endProcessesIn } from './shim-process.ts';
import type { Task } from './task-table.ts';
import { fromWireTimestamp } from './wire.ts';

/** A file in the bundle that says: subscribers have heard of the end. A later daemon does not tell it again. */
export const exitToldMark = 'exited';

/** What to do when a task's connection ends: nothing if its deletion is under way, else the burial. */
export async function onDisconnect(env: Environment, task: Task): Promise<void> {
  if (task.deleting || env.tasks.find(task.namespace, task.id) !== task) return;
  env.log.info('shim disconnected', { id: task.id, namespace: task.namespace });
  await buryTask(env, task);
}

/** Buries a task on the table, once, whoever notices first; then it is gone from the table. */
export function buryTask(env: Environment, task: Task): Promise<ProcessExit> {
  task.deleting = true;
  task.shim.close();
  task.burial ??= bury(env, task.shim.bundle, task.shim.binary, () => task.exitTold).finally(() =>
    env.tasks.remove(task),
  );
  return task.burial;
}

/** Ends and removes what a dead shim left: its processes, mounts and bundle. Tells subscribers of the end, once. */
export async function bury(
  env: Environment,
  bundle: Bundle,
  binary: string | undefined,
  exitTold: () => boolean,
): Promise<ProcessExit> {
  const { id, namespace } = bundle;
  env.log.warn('cleaning up after shim disconnected', { id, namespace });
  // One that lives on without a connection would tell of the end that it is about to see.
  await endProcessesIn(bundle);
  const exit = await lastWords(env, bundle, binary);
  await env.mounts.release(bundle);
  const told = exitTold() || (await readBundleFile(bundle, exitToldMark)) !== undefined;
  try {
    await removeBundle(bundle);
  } catch (error) {
    env.log.error('failed to remove the bundle of a dead shim', { id, namespace, error });
  }
  await env.exits.tell(namespace, exit, told || exitTold());
  return exit;
}

/** How clients know an end that nobody has seen. */
export const unknownExit = (id: string): ProcessExit => ({ id, pid: 0, exitStatus: 255, exitedAt: now() });

/** Runs the shim's `delete`; where that fails the exit is unknown. */
export async function lastWords(env: ShimHost, bundle: Bundle, binary: string | undefined): Promise<ProcessExit> {
  const unknown = unknownExit(bundle.id);
  if (binary === undefined || binary === '') return unknown;
  try {
    const output = await env.binaries.cleanUp(
      binary,
      bundle,
      paramsFor(env, bundle),
      AbortSignal.timeout(env.limits.cleanup),
    );
    const { pid, exitStatus, exitedAt } = fromBinary(DeleteResponseSchema, output);
    return { id: bundle.id, pid, exitStatus, exitedAt: fromWireTimestamp(exitedAt) ?? now() };
  } catch (error) {
    env.log.warn('failed to clean up after shim disconnected', { id: bundle.id, namespace: bundle.namespace, error });
    await endProcessesIn(bundle);
    return unknown;
  }
}
