import { setTimeout } from 'node:timers/promises';

/** The longest that a collection holds the event loop at a time, but for what one step takes. */
const sliceMs = 1;
/** What others get in between: a call needs several turns of the loop. */
const pauseMs = 1;

/** Counts the time that the event loop was held. */
export interface Busy {
  busyMs: number;
  longestMs: number;
}

/** Runs work that yields often, about a millisecond at a time with a pause after each. @throws what the work throws */
export async function inSlices<T>(work: Iterator<undefined, T>, busy: Busy): Promise<T> {
  for (;;) {
    const begin = performance.now();
    try {
      do {
        const { done, value } = work.next();
        if (done === true) return value;
      } while (performance.now() - begin < sliceMs);
    } finally {
      const took = performance.now() - begin;
      busy.busyMs += took;
      busy.longestMs = Math.max(busy.longestMs, took);
    }
    await setTimeout(pauseMs);
  }
}
