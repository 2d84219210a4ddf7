import { Session } from 'node:inspector/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { getHeapSnapshot } from 'node:v8';

/** A profile of where the processor's time goes, as Chrome's developer tools read it (.cpuprofile). */
export async function cpuProfile(seconds: number, signal: AbortSignal): Promise<string> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await wait(seconds * 1000, undefined, { signal });
    const { profile } = await session.post('Profiler.stop');
    return JSON.stringify(profile);
  } finally {
    session.disconnect();
  }
}

/** Everything on the heap, as Chrome's developer tools read it (.heapsnapshot). Stops the daemon for as long as it takes. */
export const heapSnapshot = () => getHeapSnapshot();
