import { readdir } from 'node:fs/promises';
import { PidsRequestSchema, PidsResponseSchema } from '#api/runtime/task/v2/task_pb';
import { classOf, isFault } from '#base/errors';
import { parseBootstrap } from './bootstrap.ts';
import { type Bundle, listBundles, readBundleFile, removeBundle, removeOrphanWork, removeTree } from './bundle.ts';
import { bury, exitToldMark } from './dead-shim.ts';
import { type Environment, recallShim } from './environment.ts';
import { giveUp, register } from './launch.ts';
import { Shim } from './shim.ts';
import { followLog } from './shim-log.ts';
import { sandboxNote } from './start-shim.ts';

/**
 * Takes back all containers that run from an earlier life of the daemon, and buries those whose shim has died meanwhile. All at once
 * and each bounded in time: one shim that hangs delays the start by the load time-out, not for ever, and its container is kept.
 */
export async function recover(env: Environment): Promise<void> {
  const { bundles, leftovers } = await listBundles(env.roots);
  for (const path of leftovers) await orSay(env, 'failed to remove a leftover', path, removeTree(path));
  await Promise.all(
    bundles.map(async (bundle) => {
      try {
        await adopt(env, bundle);
      } catch (error) {
        env.log.error('failed to take back a task', { id: bundle.id, namespace: bundle.namespace, error });
      }
    }),
  );
  await orSay(env, 'failed to remove work directories', env.roots.work, removeOrphanWork(env.roots));
  if (bundles.length > 0) env.log.info('tasks taken back', { found: bundles.length, running: env.tasks.all().length });
}

/** What cannot be tidied away is no reason not to serve. */
async function orSay(env: Environment, message: string, path: string, work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => env.log.error(message, { path, error }));
}

async function adopt(env: Environment, bundle: Bundle): Promise<void> {
  if ((await readdir(bundle.path)).length === 0) return removeBundle(bundle);
  const { binary, bootstrap } = await recallShim(bundle);
  const sandboxId = await readBundleFile(bundle, sandboxNote);
  const exitTold = (await readBundleFile(bundle, exitToldMark)) !== undefined;
  if (bootstrap === undefined) return void (await bury(env, bundle, binary, () => exitTold));
  // Before the attempt to connect: that there is no descriptor left for it must not be taken for the shim's death.
  const log = sandboxId === undefined ? followLog(env, bundle) : { [Symbol.dispose]: () => {} };
  const bounded = AbortSignal.timeout(env.limits.load);
  let shim: Shim;
  try {
    const address = parseBootstrap(new TextEncoder().encode(bootstrap));
    shim = await Shim.connect({ bundle, binary: binary ?? '', sandboxId, log }, address, bounded);
  } catch (error) {
    log[Symbol.dispose]();
    env.log.debug('shim not reached', { id: bundle.id, namespace: bundle.namespace, error });
    return void (await bury(env, bundle, binary, () => exitTold));
  }
  await shim.recallProcess();
  if (await isLeaked(shim, bounded, env)) {
    env.log.warn('shim without a task', { id: bundle.id, namespace: bundle.namespace });
    await giveUp(env, shim);
    await env.mounts.release(bundle);
    return removeBundle(bundle);
  }
  register(env, { namespace: bundle.namespace, id: bundle.id, shim, pid: 0, exitTold, deleting: false });
}

/** A shim that answers and knows no process of this container: its maker died between the shim's start and the task's creation. */
async function isLeaked(shim: Shim, bounded: AbortSignal, env: Environment): Promise<boolean> {
  const calling = { signal: bounded };
  try {
    const { taskPid } = await shim.identify(calling);
    if (taskPid !== 0) return false;
    const { processes } = await shim.call(
      'Pids',
      [PidsRequestSchema, { id: shim.bundle.id }],
      PidsResponseSchema,
      calling,
    );
    return processes.length === 0;
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return true;
    if (classOf(thrown) !== 'deadline_exceeded')
      env.log.warn('shim answers strangely', { id: shim.bundle.id, error: thrown });
    return false; // it may be busy or hang: its container may well run, so it is kept
  }
}
