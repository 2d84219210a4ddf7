import type { Engines } from './engine.ts';
import type { Samples } from './samples.ts';

/** What every measure has to work with. */
export interface Bench {
  readonly engines: Engines;
  /** For files of its own; on the same filesystem as the stores, and removed at the end. */
  readonly directory: string;
  /** Where layers are made, or taken from when they are there. */
  readonly layers: string;
  /** Rounds of a measure that takes seconds a round, and of one that takes tenths. */
  readonly slowRounds: number;
  readonly quickRounds: number;
}

/** One line of the table. */
export interface Result {
  readonly name: string;
  readonly unit: 'ms' | 'MB';
  readonly berth: Samples;
  readonly containerd: Samples;
  /** What the ratio of the medians, or Berth's own figure in the unit, must not exceed; none for what is shown for comparison. */
  readonly goal?: { readonly ratio: number } | { readonly berth: number };
}

/** Measures one thing, or several that share what they need. */
export type Measure = (bench: Bench) => Promise<readonly Result[]>;

/** Whether the goal is reached; undefined without one. */
export function reached(
  { berth, containerd, goal }: Result,
  median: (values: readonly number[]) => number,
): boolean | undefined {
  if (goal === undefined) return undefined;
  const ours = median(berth.values);
  return 'berth' in goal ? ours <= goal.berth : ours / median(containerd.values) <= goal.ratio;
}
