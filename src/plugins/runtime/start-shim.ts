import type { Any } from '#base/any';
import { within } from '#base/cancellation';
import { failpoint } from '#base/failpoints';
import type { Bootstrap } from './bootstrap.ts';
import { type Bundle, writeBundleFile } from './bundle.ts';
import { paramsFor, rememberBinary, rememberShim, type ShimHost } from './environment.ts';
import { Shim } from './shim.ts';
import { followLog } from './shim-log.ts';
import { endProcessesIn } from './shim-process.ts';

/** Starts a shim for the bundle and connects; what came of a start that failed is ended. @throws what the shim says; deadline_exceeded */
export async function startShim(
  env: ShimHost,
  bundle: Bundle,
  binary: string,
  options: Any | undefined,
  signal: AbortSignal,
): Promise<Shim> {
  const log = followLog(env, bundle);
  const params = paramsFor(env, bundle, options);
  const bounded = within(env.limits.start, signal);
  try {
    await rememberBinary(bundle, binary); // first: a daemon that finds half a start can clean up after it
    const bootstrap = await env.binaries.start(binary, bundle, params, bounded);
    await failpoint?.('task.shim.started');
    await rememberShim(bundle, bootstrap);
    await failpoint?.('task.shim.noted');
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

/** A file in the bundle of a container that runs in a sandbox's shim: the sandbox's id. */
export const sandboxNote = 'sandbox';

/** Connects to the shim of a sandbox, for a container in it. @throws unavailable when nobody listens */
export async function joinShim(
  env: ShimHost,
  parts: { readonly bundle: Bundle; readonly binary: string; readonly sandboxId: string },
  bootstrap: Bootstrap,
  signal: AbortSignal,
): Promise<Shim> {
  const { bundle, binary, sandboxId } = parts;
  await writeBundleFile(bundle, sandboxNote, sandboxId);
  if (binary !== '') await rememberBinary(bundle, binary);
  await rememberShim(bundle, bootstrap);
  // What the shim has to say goes to the log of its sandbox.
  const log = { [Symbol.dispose]: () => {} };
  return await Shim.connect({ ...parts, log }, bootstrap, within(env.limits.start, signal));
}
