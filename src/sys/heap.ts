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
