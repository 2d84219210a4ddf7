import type { Engines, Peer } from './engine.ts';
import { median, type Samples } from './samples.ts';

/** What every measure has to work with. */
export interface Bench {
  readonly engines: Engines;
  /** For measures that need daemons of their own. */
  readonly peers: readonly Peer[];
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
  /** Of each engine, in the order of the engines. */
  readonly figures: readonly Samples[];
  /** What must not be exceeded; none for what is shown for comparison. */
  readonly goal?: Goal;
}

/** A bound of the ratio to the quickest peer, with a stricter one that we aim at; or of Berth's own figure in the unit. */
export type Goal = { readonly ratio: number; readonly aim?: number } | { readonly berth: number };

/** Measures one thing, or several that share what they need. */
export type Measure = (bench: Bench) => Promise<readonly Result[]>;

/** Berth's median by that of the best peer. */
export function ratioOf({ figures }: Result): number {
  const [ours = Number.NaN, ...theirs] = figures.map(({ values }) => median(values));
  return ours / Math.min(...theirs);
}

/** Whether the goal, or with `aim` the stricter one, is reached; undefined where there is none. */
export function reached(result: Result, which: 'goal' | 'aim'): boolean | undefined {
  const { goal, figures } = result;
  if (goal === undefined) return undefined;
  if ('berth' in goal) return which === 'goal' ? median(figures[0]!.values) <= goal.berth : undefined;
  const bound = which === 'goal' ? goal.ratio : goal.aim;
  return bound === undefined ? undefined : ratioOf(result) <= bound;
}

/** What was measured once of each engine, in kilobytes, as megabytes. */
export function inMegabytes(name: string, kb: readonly number[], goal?: Goal): Result {
  const figures = kb.map((one) => ({ values: [(one * 1024) / 1e6], cpuMs: [] }));
  return { name, unit: 'MB', figures, ...(goal && { goal }) };
}
