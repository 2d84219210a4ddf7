import { addon } from './addon.ts';

/** Collects garbage, all of it. Costs some 20 ms in which nothing else runs. */
export function collectGarbage(): void {
  Bun.gc(true);
}

/**
 * Lets go of all that the engine can make again, compiled code above all, as soon as nothing runs; then garbage is collected.
 * What is done next is slower for a while.
 */
export function forgetCode(): void {
  Bun.shrink();
}

/**
 * Takes the program's own code and constants out of this process's memory. What runs next is mapped again page by page, from the page
 * cache: about a millisecond altogether. Where the kernel refuses (memory that is locked), it stays.
 */
export function releaseProgram(): void {
  try {
    addon.releaseCode();
  } catch {
    // Nothing but memory is lost by that; thrown in the timer that asks for it, it would end the daemon.
  }
}
