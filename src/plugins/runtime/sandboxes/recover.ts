import { readdir } from 'node:fs/promises';
import { PingRequestSchema, PingResponseSchema } from '#api/runtime/sandbox/v1/sandbox_pb';
import { classOf } from '#base/errors';
import { now } from '#base/timestamp';
import type { SandboxExit } from '#core/sandboxes/controller';
import { parseBootstrap } from '../bootstrap.ts';
import { type Bundle, listBundles, removeBundle, removeOrphanWork, removeTree } from '../bundle.ts';
import { recallShim } from '../environment.ts';
import { Shim } from '../shim.ts';
import { followLog } from '../shim-log.ts';
import { cleanUp, register } from './ending.ts';
import { newEntry, noted, notes, type SandboxEnvironment, type SandboxStart, tellEnd } from './entry.ts';

/** Takes back the sandboxes that an earlier daemon left running, and buries those whose shim has died meanwhile; all at once, each bounded in time. */
export async function recover(env: SandboxEnvironment): Promise<void> {
  const { bundles, leftovers } = await listBundles(env.roots);
  const failed = (path: string) => (error: unknown) => env.log.error('failed to take back a sandbox', { path, error });
  for (const path of leftovers) await removeTree(path).catch(failed(path));
  await Promise.all(bundles.map((bundle) => adopt(env, bundle).catch(failed(bundle.path))));
  await removeOrphanWork(env.roots).catch(failed(env.roots.work));
  if (bundles.length > 0) env.log.info('sandboxes taken back', { found: bundles.length, running: env.sandboxes.size });
}

async function adopt(env: SandboxEnvironment, bundle: Bundle): Promise<void> {
  if ((await readdir(bundle.path)).length === 0) return removeBundle(bundle);
  const { binary = '', bootstrap } = await recallShim(bundle);
  const shim = bootstrap === undefined ? undefined : await connect(env, bundle, binary, bootstrap);
  const created = (await noted(bundle, notes.created)) !== undefined;
  if (shim === undefined || !created || !(await answers(env, shim))) {
    shim?.close();
    return await buryUnseen(env, bundle, binary, created);
  }
  const [start, exit] = await Promise.all([noted(bundle, notes.started), noted(bundle, notes.exited)]);
  const entry = newEntry(shim);
  if (start !== undefined) entry.start = start as SandboxStart;
  if (exit !== undefined) {
    entry.exit = exit as SandboxExit;
    entry.ended.resolve(entry.exit);
  }
  register(env, entry);
}

async function connect(
  env: SandboxEnvironment,
  bundle: Bundle,
  binary: string,
  bootstrap: string,
): Promise<Shim | undefined> {
  // Before the attempt to connect: that there is no descriptor left for it must not be taken for the shim's death.
  const log = followLog(env, bundle);
  try {
    const address = parseBootstrap(new TextEncoder().encode(bootstrap));
    return await Shim.connect({ bundle, binary, log }, address, AbortSignal.timeout(env.limits.load));
  } catch (error) {
    log[Symbol.dispose]();
    env.log.debug('sandbox not reached', { id: bundle.id, namespace: bundle.namespace, error });
    return undefined;
  }
}

/** A shim that hangs keeps its sandbox; one that does not know it has none. */
async function answers(env: SandboxEnvironment, shim: Shim): Promise<boolean> {
  const request = [PingRequestSchema, { sandboxId: shim.bundle.id }] as const;
  try {
    await shim.callSandbox('PingSandbox', request, PingResponseSchema, { timeoutMs: env.limits.load });
    return true;
  } catch (error) {
    env.log.warn('sandbox answers strangely', { id: shim.bundle.id, namespace: shim.bundle.namespace, error });
    return !['not_found', 'unavailable'].includes(classOf(error));
  }
}

/** One that no daemon has seen die. Nobody has heard of one whose creation was not acknowledged. */
async function buryUnseen(env: SandboxEnvironment, bundle: Bundle, binary: string, created: boolean): Promise<void> {
  const { exitStatus, exitedAt = now() } = await cleanUp(env, bundle, binary);
  if (created && (await noted(bundle, notes.exited)) === undefined)
    await tellEnd(env, bundle, { exitStatus, exitedAt });
  await removeBundle(bundle, env.log);
}
