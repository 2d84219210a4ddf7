import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isFault } from '#base/errors';
import type { Volume } from '#core/volumes/volumes';
import { lockFile } from '#sys/lock';

const pauseMs = 20;

/** Does work on a volume that one at a time may do; waits for others, who are done soon or have died. Gives up with the signal. */
export async function withVolumeLock<T>(
  { mountpoint }: Pick<Volume, 'mountpoint'>,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  using _lock = await locked(join(dirname(mountpoint), 'lock'), signal);
  return await work();
}

async function locked(path: string, signal: AbortSignal): Promise<Disposable> {
  for (;;) {
    try {
      return lockFile(path);
    } catch (thrown) {
      if (!isFault(thrown, 'failed_precondition')) throw thrown;
    }
    await wait(pauseMs, undefined, { signal });
  }
}
