import { CreateSandboxRequestSchema, CreateSandboxResponseSchema } from '#api/runtime/sandbox/v1/sandbox_pb';
import { alreadyExists, invalidArgument, wrap } from '#base/errors';
import { failpoint } from '#base/failpoints';
import type { CreateSandboxOptions } from '#core/sandboxes/controller';
import type { NewSandbox } from '#core/sandboxes/sandboxes';
import type { Scope } from '#core/scope';
import { createBundle, removeBundle } from '../bundle.ts';
import type { Shim } from '../shim.ts';
import { startShim } from '../start-shim.ts';
import { toWireAny, toWireMount } from '../wire.ts';
import { cleanUp } from './ending.ts';
import { newEntry, note, notes, type SandboxEntry, type SandboxEnvironment } from './entry.ts';

/** Bundle, shim, sandbox, in that order; each step's work is undone when a later one fails. */
export async function createSandbox(
  env: SandboxEnvironment,
  scope: Scope,
  { id, runtime, spec = emptySpec }: NewSandbox,
  options: CreateSandboxOptions,
): Promise<SandboxEntry> {
  const subject = `failed to start new shim for sandbox ${id}`;
  if (runtime.name === '') throw invalidArgument(`${subject}: no runtime name`);
  const binary = await env.binaries.find(runtime.name).catch((thrown: unknown) => {
    throw wrap(thrown, subject);
  });
  const bundle = await createBundle(env.roots, scope.namespace, id, spec);
  try {
    const shim = await startShim(env, bundle, binary, runtime.options, scope.signal).catch((thrown: unknown) => {
      throw wrap(thrown, subject);
    });
    await refuseTask(env, shim);
    await callCreate(env, scope, shim, options);
    return newEntry(shim);
  } catch (thrown) {
    await removeBundle(bundle, env.log);
    throw thrown;
  }
}

// Shims look into the file when they start.
const emptySpec = { typeUrl: '', value: Buffer.from('{}') };

/**
 * A shim of a task with the sandbox's id: starting one has found it instead of making one. It is not ours to make anything of, and least of all to
 * clean up after. @throws already_exists
 */
async function refuseTask(env: SandboxEnvironment, shim: Shim): Promise<void> {
  const { id } = shim.bundle;
  let taskPid = 0;
  try {
    taskPid = (await shim.identify({ timeoutMs: env.limits.load })).taskPid;
  } catch (error) {
    env.log.debug('shim told no pid', { id, error }); // one that cannot say so has no task
  }
  if (taskPid === 0) return;
  shim.close();
  throw alreadyExists(`a task is called like sandbox ${id}`);
}

/** What cannot be noted is taken down again: no later daemon would know that somebody has it. */
async function callCreate(
  env: SandboxEnvironment,
  scope: Scope,
  shim: Shim,
  { rootfs, options, netnsPath, annotations }: CreateSandboxOptions,
): Promise<void> {
  const { id, path } = shim.bundle;
  const request = {
    ...{ sandboxId: id, bundlePath: path, rootfs: rootfs.map(toWireMount), netnsPath, annotations: { ...annotations } },
    ...(options !== undefined && { options: toWireAny(options) }),
  };
  const calling = { timeoutMs: env.limits.start, signal: scope.signal };
  try {
    await shim.callSandbox(
      'CreateSandbox',
      [CreateSandboxRequestSchema, request],
      CreateSandboxResponseSchema,
      calling,
    );
    await failpoint?.('sandbox.created');
    await note(shim.bundle, notes.created, true);
  } catch (thrown) {
    shim.close();
    await cleanUp(env, shim.bundle, shim.binary);
    throw wrap(thrown, `failed to create sandbox ${id}`);
  }
}
