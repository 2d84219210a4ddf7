import {
  ShutdownSandboxRequestSchema,
  ShutdownSandboxResponseSchema,
  WaitSandboxRequestSchema,
  WaitSandboxResponseSchema,
} from '#api/runtime/sandbox/v1/sandbox_pb';
import { abortable } from '#base/cancellation';
import { classOf } from '#base/errors';
import { failpoint } from '#base/failpoints';
import { now } from '#base/timestamp';
import { type Bundle, removeBundle } from '../bundle.ts';
import { lastWords } from '../dead-shim.ts';
import type { Shim } from '../shim.ts';
import { endProcessesIn } from '../shim-process.ts';
import { fromWireTimestamp } from '../wire.ts';
import { finish, keyOf, type SandboxEntry, type SandboxEnvironment } from './entry.ts';

/** Puts the sandbox on the table, watches its connection, and waits for its end. */
export function register(env: SandboxEnvironment, entry: SandboxEntry): void {
  env.sandboxes.set(keyOf(entry.namespace, entry.id), entry);
  void entry.shim.closed
    .then(() => onDisconnect(env, entry))
    .catch((error: unknown) => {
      env.log.error('clean-up after a dead sandbox', { id: entry.id, namespace: entry.namespace, error });
    });
  if (entry.exit === undefined) void watch(env, entry);
}

/** Asks the shim for the sandbox's end, and waits as long as it takes. */
export async function watch(env: SandboxEnvironment, entry: SandboxEntry): Promise<void> {
  const { id, namespace, shim } = entry;
  try {
    entry.silent = false;
    const request = [WaitSandboxRequestSchema, { sandboxId: id }] as const;
    const { exitStatus, exitedAt } = await shim.callSandbox('WaitSandbox', request, WaitSandboxResponseSchema);
    const at = fromWireTimestamp(exitedAt);
    if (at !== undefined) return await finish(env, entry, { exitStatus, exitedAt: at });
  } catch (error) {
    // What the end of the connection means, that end tells.
    env.log.debug('a sandbox does not tell of its end', { id, namespace, error });
  }
  entry.silent = true;
  if (entry.stopped) await finish(env, entry, { exitStatus: 0, exitedAt: now() });
}

async function onDisconnect(env: SandboxEnvironment, entry: SandboxEntry): Promise<void> {
  if (entry.leaving) return;
  env.log.info('sandbox disconnected', { id: entry.id, namespace: entry.namespace });
  await bury(env, entry);
}

/** Ends and removes what a dead sandbox left. */
export function bury(env: SandboxEnvironment, entry: SandboxEntry): Promise<void> {
  entry.leaving = true;
  entry.removal ??= (async () => {
    const { bundle, binary } = entry.shim;
    entry.shim.close();
    const { exitStatus, exitedAt = now() } = await cleanUp(env, bundle, binary);
    await finish(env, entry, { exitStatus, exitedAt });
    await forget(env, entry);
  })();
  return entry.removal;
}

/** Kills what is left of a shim, and lets its program clean up. */
export async function cleanUp(env: SandboxEnvironment, bundle: Bundle, binary: string | undefined) {
  env.log.warn('cleaning up after a sandbox', { id: bundle.id, namespace: bundle.namespace });
  await endProcessesIn(bundle);
  return await lastWords(env, bundle, binary);
}

/** Takes the sandbox down. @throws what a shim says that will not go; then the sandbox stays as it is */
export async function takeDown(env: SandboxEnvironment, entry: SandboxEntry): Promise<void> {
  if (entry.removal !== undefined) return entry.removal;
  entry.leaving = true; // the shim closes the connection as it goes
  try {
    await shutDown(env, entry.shim);
  } catch (thrown) {
    entry.leaving = false;
    throw thrown;
  }
  entry.removal ??= (async () => {
    const { bundle, binary } = entry.shim;
    const gone = await closes(entry.shim, env.limits.shutdown);
    entry.shim.close();
    await failpoint?.('sandbox.ended');
    if (!gone) await cleanUp(env, bundle, binary);
    await finish(env, entry, { exitStatus: 0, exitedAt: now() });
    await forget(env, entry);
  })();
  return await entry.removal;
}

async function shutDown(env: SandboxEnvironment, shim: Shim): Promise<void> {
  const request = [ShutdownSandboxRequestSchema, { sandboxId: shim.bundle.id }] as const;
  try {
    await shim.callSandbox('ShutdownSandbox', request, ShutdownSandboxResponseSchema, { timeoutMs: env.limits.call });
  } catch (thrown) {
    // One that is gone, hangs or knows nothing of it is ended by force.
    if (!['unavailable', 'not_found', 'deadline_exceeded', 'not_implemented'].includes(classOf(thrown))) throw thrown;
    env.log.debug('shutdown of a sandbox', { id: shim.bundle.id, error: thrown });
  }
}

async function closes(shim: Shim, withinMs: number): Promise<boolean> {
  try {
    await abortable(shim.closed, AbortSignal.timeout(withinMs));
    return true;
  } catch (thrown) {
    if (classOf(thrown) !== 'deadline_exceeded') throw thrown;
    return false;
  }
}

async function forget(env: SandboxEnvironment, { namespace, id, shim }: SandboxEntry): Promise<void> {
  try {
    await removeBundle(shim.bundle, env.log);
  } catch (error) {
    env.log.error('failed to remove the bundle of a sandbox', { id, namespace, error });
  }
  env.sandboxes.delete(keyOf(namespace, id));
}
