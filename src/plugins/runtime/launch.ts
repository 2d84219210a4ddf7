import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  CreateTaskRequestSchema,
  CreateTaskResponseSchema,
  DeleteRequestSchema,
  DeleteResponseSchema,
  ShutdownRequestSchema,
} from '#api/runtime/task/v2/task_pb';
import { within } from '#base/cancellation';
import type { CreateTaskOptions } from '#core/runtime/runtime';
import type { Scope } from '#core/scope';
import { type Bundle, createBundle, removeBundle } from './bundle.ts';
import { onDisconnect } from './dead-shim.ts';
import { type Environment, paramsFor, rememberBinary, rememberShim } from './environment.ts';
import { Shim } from './shim.ts';
import { followLog } from './shim-log.ts';
import { endProcessesIn, noteShimProcess } from './shim-process.ts';
import type { Task } from './task-table.ts';
import { toWireAny, toWireMount } from './wire.ts';

/** Bundle, shim, task, in that order; each step's work is undone when a later one fails. Returns the pid of the first process. */
export async function launch(env: Environment, scope: Scope, id: string, options: CreateTaskOptions): Promise<number> {
  using _name = env.tasks.reserve(scope.namespace, id);
  const binary = options.runtimePath ?? (await env.binaries.find(options.runtime));
  const bundle = await createBundle(env.roots, scope.namespace, id, options.spec);
  try {
    const rootfs = await env.mounts.activate(scope, id, options.rootfs, binary);
    const shim = await startShim(env, bundle, binary, options, scope.signal);
    return await createTask(env, shim, { ...options, rootfs }, scope.signal);
  } catch (thrown) {
    await env.mounts.release(bundle);
    await removeBundle(bundle, env.log);
    throw thrown;
  }
}

async function startShim(
  env: Environment,
  bundle: Bundle,
  binary: string,
  options: CreateTaskOptions,
  signal: AbortSignal,
): Promise<Shim> {
  const log = followLog(env, bundle);
  const params = paramsFor(env, bundle, options.options);
  const bounded = within(env.limits.start, signal);
  try {
    await rememberBinary(bundle, binary); // first: a daemon that finds half a start can clean up after it
    const bootstrap = await env.binaries.start(binary, bundle, params, bounded);
    await rememberShim(bundle, bootstrap);
    return await Shim.connect({ bundle, binary, log }, bootstrap, bounded);
  } catch (thrown) {
    log[Symbol.dispose]();
    // It may have come up after all: its own clean-up ends what there is. The first error is the one to report.
    await endProcessesIn(bundle);
    await env.binaries.cleanUp(binary, bundle, params, AbortSignal.timeout(env.limits.cleanup)).catch((error) => {
      env.log.debug('clean-up after a failed shim start', { id: bundle.id, error });
    });
    await endProcessesIn(bundle); // the clean-up itself may hang
    throw thrown;
  }
}

async function createTask(
  env: Environment,
  shim: Shim,
  options: CreateTaskOptions,
  signal: AbortSignal,
): Promise<number> {
  const { id, namespace, path } = shim.bundle;
  const request = {
    id,
    bundle: path,
    rootfs: options.rootfs.map(toWireMount),
    terminal: options.terminal,
    stdin: options.stdin,
    stdout: options.stdout,
    stderr: options.stderr,
    checkpoint: options.checkpointPath ?? '',
    ...(options.options === undefined ? {} : { options: toWireAny(options.options) }),
  };
  try {
    const calling = { timeoutMs: env.limits.start, signal };
    const { pid } = await shim.call('Create', [CreateTaskRequestSchema, request], CreateTaskResponseSchema, calling);
    register(env, { namespace, id, shim, pid, exitTold: false, deleting: false });
    return pid;
  } catch (thrown) {
    await giveUp(env, shim);
    throw thrown;
  }
}

/** Puts the task on the table and watches its connection. */
export function register(env: Environment, task: Task): void {
  env.tasks.add(task);
  void task.shim.closed
    .then(() => onDisconnect(env, task))
    .catch((error) => {
      env.log.error('clean-up after a dead shim', { id: task.id, namespace: task.namespace, error });
    });
  // For a later kill of a shim that hangs. A failure shows in the calls that matter.
  task.shim
    .identify({ timeoutMs: env.limits.load })
    .then(({ shimPid }) => noteShimProcess(task.shim.bundle, shimPid))
    .catch((error) => env.log.debug('shim told no pid', { id: task.id, error }));
}

/** Takes down a shim that has no task, or none worth keeping; by force if it does not answer. */
export async function giveUp(env: Environment, shim: Shim): Promise<void> {
  const { id } = shim.bundle;
  const bounded = { timeoutMs: env.limits.cleanup };
  try {
    await shim.call('Delete', [DeleteRequestSchema, { id }], DeleteResponseSchema, bounded);
  } catch (error) {
    env.log.debug('delete of a task that was given up', { id, error });
  }
  await shutDown(env, shim);
  await endProcessesIn(shim.bundle); // the shim, if it hangs
  try {
    await env.binaries.cleanUp(
      shim.binary,
      shim.bundle,
      paramsFor(env, shim.bundle),
      AbortSignal.timeout(env.limits.cleanup),
    );
  } catch (error) {
    env.log.debug('clean-up of a task that was given up', { id, error });
    await endProcessesIn(shim.bundle);
  }
}

/** Asks the shim to end; it stays if it serves other containers. */
export async function shutDown(env: Environment, shim: Shim): Promise<void> {
  const { id } = shim.bundle;
  try {
    await shim.call('Shutdown', [ShutdownRequestSchema, { id }], EmptySchema, { timeoutMs: env.limits.shutdown });
  } catch (error) {
    env.log.debug('shim shutdown', { id, error }); // it closes the connection as it goes, or is gone already
  }
  shim.close();
}
