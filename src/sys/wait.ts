import { abortFault, throwIfAborted } from '#base/cancellation';
import { addon } from './addon.ts';

const epollIn = 0x001;
const epollOut = 0x004;

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** False: the wait does not keep the program running. */
  readonly keepAlive?: boolean;
}

/**
 * Waits until the descriptor can be read (or has ended). One thread of the process watches all of them; none is needed per wait.
 * The caller may close the descriptor meanwhile, but the wait then ends only by its signal. @throws canceled; EPERM for plain files
 */
export const untilReadable = (fd: number, options?: WaitOptions): Promise<void> => until(fd, epollIn, options);

/** Waits until the descriptor can be written, or nobody reads it any more. */
export const untilWritable = (fd: number, options?: WaitOptions): Promise<void> => until(fd, epollOut, options);

async function until(fd: number, events: number, { signal, keepAlive = true }: WaitOptions = {}): Promise<void> {
  if (signal !== undefined) throwIfAborted(signal);
  const { promise, number } = addon.watch(fd, events, keepAlive ? 1 : 0);
  const stop = () => addon.unwatch(number);
  signal?.addEventListener('abort', stop, { once: true });
  const happened = await promise;
  signal?.removeEventListener('abort', stop);
  if (happened === 0 && signal !== undefined) throw abortFault(signal);
}
