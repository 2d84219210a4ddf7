import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  CreateTaskRequestSchema,
  CreateTaskResponseSchema,
  DeleteRequestSchema,
  DeleteResponseSchema,
  ShutdownRequestSchema,
} from '#api/runtime/task/v2/task_pb';
import { isFault, notFound, wrap } from '#base/errors';
import { failpoint } from '#base/failpoints';
import { traced } from '#base/tracing';
import type { CreateTaskOptions, TaskSandbox } from '#core/runtime/runtime';
import type { Scope } from '#core/scope';
import { type Bootstrap, parseEndpoint } from './bootstrap.ts';
import { createBundle, removeBundle } from './bundle.ts';
import { onDisconnect } from './dead-shim.ts';
import { type Environment, paramsFor } from './environment.ts';
import { callFor, type Shim } from './shim.ts';
import { endProcessesIn, noteShimProcess } from './shim-process.ts';
import { joinShim, startShim } from './start-shim.ts';
import type { Task } from './task-table.ts';
import { toWireAny, toWireMount } from './wire.ts';

/** Bundle, shim, task, in that order; each step's work is undone when a later one fails. Returns the pid of the first process. */
export async function launch(env: Environment, scope: Scope, id: string, options: CreateTaskOptions): Promise<number> {
  using _name = env.tasks.reserve(scope.namespace, id);
  const { sandbox } = options;
  const binary = options.runtimePath ?? (await shimStart(findBinary(env, options)));
  const joined = sandbox === undefined ? undefined : bootstrapOf(env, scope, sandbox);
  const bundle = await createBundle(env.roots, scope.namespace, id, options.spec);
  try {
    const rootfs = await env.mounts.activate(scope, id, options.rootfs, binary);
    const shim = await shimStart(
      sandbox === undefined || joined === undefined
        ? traced(scope.trace?.begin('start shim', 'internal', { 'containerd.shim': id }), () =>
            startShim(env, bundle, binary, options.options, scope.signal),
          )
        : joinShim(env, { bundle, binary, sandboxId: sandbox.id }, joined, scope.signal),
    );
    return await createTask(env, scope, shim, { ...options, rootfs });
  } catch (thrown) {
    await env.mounts.release(bundle);
    await removeBundle(bundle, env.log);
    throw thrown;
  }
}

/** Says of a failure what failed, as containerd does: people and programs look for the words. */
async function shimStart<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw wrap(thrown, 'failed to start shim');
  }
}

/** In a sandbox the program is wanted for no more than the clean-up after a dead shim: some sandboxes have none on this machine. */
async function findBinary(env: Environment, { runtime, sandbox }: CreateTaskOptions): Promise<string> {
  try {
    return await env.binaries.find(runtime);
  } catch (thrown) {
    if (sandbox === undefined || !isFault(thrown, 'not_found')) throw thrown;
    return '';
  }
}

/** Where the sandbox's shim listens; a pod's sandbox may be a task itself. @throws not_found; invalid_argument */
function bootstrapOf(env: Environment, scope: Scope, { id, endpoint }: TaskSandbox): Bootstrap {
  if (endpoint !== undefined) return parseEndpoint(endpoint);
  const task = env.tasks.find(scope.namespace, id);
  if (task === undefined) throw notFound(`can't find sandbox ${id}`);
  return task.shim.bootstrap;
}

async function createTask(env: Environment, scope: Scope, shim: Shim, options: CreateTaskOptions): Promise<number> {
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
    const calling = callFor(scope, env.limits.start);
    const { pid } = await shim.call('Create', [CreateTaskRequestSchema, request], CreateTaskResponseSchema, calling);
    await failpoint?.('task.created');
    register(env, { namespace, id, shim, pid, exitTold: false, deleting: false });
    return pid;
  } catch (thrown) {
    await giveUp(env, shim);
    throw wrap(thrown, 'failed to create shim task');
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

/** Asks the shim to end; it stays if it serves other containers. A sandbox's is asked by the sandbox's controller only. */
export async function shutDown(env: Environment, shim: Shim): Promise<void> {
  const { id } = shim.bundle;
  if (shim.sandboxId !== undefined) return shim.close();
  try {
    await shim.call('Shutdown', [ShutdownRequestSchema, { id }], EmptySchema, { timeoutMs: env.limits.shutdown });
  } catch (error) {
    env.log.debug('shim shutdown', { id, error }); // it closes the connection as it goes, or is gone already
  }
  shim.close();
}
