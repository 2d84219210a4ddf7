import { afterAll, beforeAll, expect, test } from 'bun:test';
import { churn, crowd, execs, idle, type Outcome } from './measures.ts';
import { pulls } from './pulls.ts';
import { type Rig, startRig } from './rig.ts';

/** Small enough for every run of the tests; `npm run load` is the whole. */
const size = { crowd: 32, idle: 16, execRounds: 2, churnSeconds: 5 };

let rig: Rig;
beforeAll(async () => {
  rig = await startRig(8);
}, 120_000);
afterAll(() => rig[Symbol.asyncDispose](), 120_000);

test.each([
  ['crowd', crowd],
  ['idle', idle],
  ['execs', execs],
  ['churn', churn],
  ['pulls', pulls],
] as const)(
  '%s: under a little load nothing goes wrong, nothing grows and nothing is left',
  async (_, measure) => {
    const { wrong, series }: Outcome = await measure(rig, size);
    expect(wrong).toEqual([]);
    expect(series.length).toBeGreaterThan(2);
  },
  120_000,
);
