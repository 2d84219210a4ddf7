import type { Engine } from './engine.ts';
import { cpuMs } from './figures.ts';

/** What was measured, once a round, and what the daemon's processor time was meanwhile. */
export interface Samples {
  readonly values: readonly number[];
  readonly cpuMs: readonly number[];
}

/** One way of doing the thing. */
export interface Contestant {
  readonly engine: Engine;
  /** What it needs; not timed. */
  readonly before?: (round: number) => Promise<void>;
  /** What is timed. */
  readonly work: (round: number) => Promise<void>;
  /** What makes the next round equal to this one; not timed. */
  readonly after?: (round: number) => Promise<void>;
}

/**
 * Lets the contestants take turns, the order reversed in every other round, so that what else the machine does meets all alike. What is done
 * in rounds before is not counted.
 */
export async function inTurns(
  rounds: number,
  contestants: readonly Contestant[],
  before = 1,
): Promise<readonly Samples[]> {
  const results = contestants.map(() => ({ values: [] as number[], cpuMs: [] as number[] }));
  for (let round = 0; round < before + rounds; round++) {
    const order = contestants.map((_, at) => at);
    for (const at of round % 2 === 0 ? order : order.reverse()) {
      const { engine, before: prepare, work, after } = contestants[at]!;
      await prepare?.(round);
      const cpuBefore = cpuMs(engine.pid);
      const began = performance.now();
      await work(round);
      const tookMs = performance.now() - began;
      const usedMs = cpuMs(engine.pid) - cpuBefore;
      await after?.(round);
      if (round < before) continue;
      results[at]?.values.push(tookMs);
      results[at]?.cpuMs.push(usedMs);
    }
  }
  return results;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The value below which this share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}
