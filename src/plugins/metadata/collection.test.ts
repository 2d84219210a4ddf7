import { expect, test } from 'bun:test';
import { play } from './collection-play.fixture.ts';

/** Histories that have found a mistake once. */
const regressions: readonly number[] = [];

test('the same seed plays the same history', async () => {
  for (const seed of [3, 5, 8, 13, 21]) expect(await play(seed)).toEqual(await play(seed));
});

const runs = Number(process.env.BERTH_GC_RUNS ?? 200);
/** Fixed, so that the same tests run everywhere; `npm run test:gc` draws one. */
const first = Number(process.env.BERTH_GC_SEED ?? 1);

test(
  `random histories: nothing that is reachable goes, everything else does (${runs} seeds from ${first})`,
  async () => {
    for (const seed of regressions) await play(seed);
    for (let seed = first; seed < first + runs; seed++) await play(seed);
  },
  30_000 + runs * 500,
);
