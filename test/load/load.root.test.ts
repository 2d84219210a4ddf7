import { expect, test } from 'bun:test';
import { churn, crowd, execs, idle, type Outcome } from './measures.ts';
import { startRig } from './rig.ts';

/** Small enough for every run of the tests; `npm run load` is the whole. */
const size = { crowd: 40, idle: 30, execRounds: 3, churnSeconds: 8 };

test.each([
  ['crowd', crowd],
  ['idle', idle],
  ['execs', execs],
  ['churn', churn],
] as const)(
  '%s: under a little load nothing goes wrong, nothing grows and nothing is left',
  async (_, measure) => {
    await using rig = await startRig(8);
    const { wrong, series }: Outcome = await measure(rig, size);
    expect(wrong).toEqual([]);
    expect(series.length).toBeGreaterThan(2);
  },
  120_000,
);
