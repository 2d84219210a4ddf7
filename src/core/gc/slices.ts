import { setImmediate, setTimeout } from 'node:timers/promises';

/** How a collection divides its work. */
export interface Pace {
  /** The longest that it holds the event loop at a time, but for what one step takes. */
  readonly sliceMs: number;
  /** What others get in between. */
  pause(): Promise<unknown>;
}

/** A millisecond of work, a millisecond for others: a call needs several turns of the loop. */
export const gentle: Pace = { sliceMs: 1, pause: () => setTimeout(1) };

/** Counts the time that the event loop was held. */
export interface Busy {
  busyMs: number;
  longestMs: number;
}

/** Runs work that yields often, a slice at a time. @throws what the work throws */
export async function inSlices<T>(work: Iterator<undefined, T>, busy: Busy, pace: Pace): Promise<T> {
  for (;;) {
    let result: IteratorResult<undefined, T> | undefined;
    measured(busy, () => {
      const begin = performance.now();
      do result = work.next();
      while (result.done !== true && performance.now() - begin < pace.sliceMs);
    });
    if (result?.done === true) return result.value;
    await pace.pause();
  }
}

/** Runs `work` and adds its time. */
export function measured<T>(busy: Busy, work: () => T): T {
  const begin = performance.now();
  try {
    return work();
  } finally {
    const took = performance.now() - begin;
    busy.busyMs += took;
    busy.longestMs = Math.max(busy.longestMs, took);
  }
}

/** For loops whose steps are asynchronous but may all settle without a turn of the event loop: `await breath.take()` at each step. */
export class Breath {
  readonly #pace: Pace;
  #since = performance.now();

  constructor(pace: Pace = quick) {
    this.#pace = pace;
  }

  /** Lets others run if a slice's time has passed. */
  async take(): Promise<void> {
    if (performance.now() - this.#since < this.#pace.sliceMs) return;
    await this.#pace.pause();
    this.#since = performance.now();
  }
}

/** Those loops wait for others anyway: one turn of the event loop will do. */
const quick: Pace = { sliceMs: gentle.sliceMs, pause: () => setImmediate() };
