import { expect, test } from 'bun:test';
import { setTimeout } from 'node:timers/promises';
import { silent } from '#base/log';
import { faultOf } from '#core/subject';
import type { CollectionStats } from './collector.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';

const stats: CollectionStats = { elapsedMs: 1, busyMs: 1, removed: {} };
const never = new AbortController().signal;

class Runs {
  count = 0;
  active = 0;
  most = 0;
  work: () => Promise<void> = async () => {};

  /** Waits until it has run so often; the test's own time limit ends it otherwise. */
  async reach(count: number): Promise<void> {
    while (this.count < count) await setTimeout(1);
  }

  readonly run = async (): Promise<CollectionStats> => {
    this.count++;
    this.most = Math.max(this.most, ++this.active);
    try {
      await this.work();
    } finally {
      this.active--;
    }
    return stats;
  };
}

const schedulerOf = (runs: Runs, options: Partial<SchedulerOptions> = {}) =>
  new Scheduler({
    ...{
      pauseThreshold: 0.5,
      deletionThreshold: 0,
      mutationThreshold: 100,
      scheduleDelayMs: 0,
      startupDelayMs: 60_000,
    },
    ...{ log: silent, run: runs.run },
    ...options,
  });

test('who asks gets a run that began after asking, and those who wait together share it', async () => {
  const runs = new Runs();
  await using scheduler = schedulerOf(runs);
  const first = Promise.withResolvers<void>();
  runs.work = () => first.promise;
  const early = scheduler.collect(never);
  await runs.reach(1);
  const late = [scheduler.collect(never), scheduler.collect(never)];
  first.resolve();
  await Promise.all([early, ...late]);
  expect([runs.count, runs.most]).toEqual([2, 1]);
});

test('a run that fails is told to those who wait, and the next goes on', async () => {
  const runs = new Runs();
  const fates: (CollectionStats | undefined)[] = [];
  await using scheduler = schedulerOf(runs, { ran: (each) => void fates.push(each) });
  runs.work = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
  expect(await faultOf(scheduler.collect(never))).toBe('resource_exhausted');
  runs.work = async () => {};
  await scheduler.collect(never);
  expect(fates).toEqual([undefined, stats]);
});

test('a caller can leave; the run goes on', async () => {
  const runs = new Runs();
  await using scheduler = schedulerOf(runs);
  const work = Promise.withResolvers<void>();
  runs.work = () => work.promise;
  expect(await faultOf(scheduler.collect(AbortSignal.timeout(10)))).toBe('deadline_exceeded');
  await runs.reach(1);
  expect(runs.active).toBe(1);
  work.resolve();
});

test('the first run comes by itself, and without changes no other', async () => {
  const runs = new Runs();
  await using _ = schedulerOf(runs, { startupDelayMs: 5 });
  await runs.reach(1);
  await setTimeout(60);
  expect(runs.count).toBe(1);
});

test('a deletion is collected after the pause, many changes at once', async () => {
  const runs = new Runs();
  await using scheduler = schedulerOf(runs, { pauseThreshold: 0.02, mutationThreshold: 3 });
  await scheduler.collect(never);
  // A run counts as 5 ms at least: at 2 % the next may come after 245 ms.
  const begin = performance.now();
  scheduler.changed(true);
  await runs.reach(2);
  expect(performance.now() - begin).toBeGreaterThan(200);
  scheduler.changed(false);
  scheduler.changed(false);
  await setTimeout(20);
  expect(runs.count).toBe(2);
  scheduler.changed(false);
  await runs.reach(3);
});

test('a deletion threshold makes it at once, and changes during a run are not forgotten', async () => {
  const runs = new Runs();
  await using scheduler = schedulerOf(runs, { pauseThreshold: 0.02, deletionThreshold: 2, mutationThreshold: 0 });
  const work = Promise.withResolvers<void>();
  runs.work = () => work.promise;
  scheduler.changed(true);
  scheduler.changed(true);
  await runs.reach(1);
  scheduler.changed(true);
  work.resolve();
  await runs.reach(2);
});

test('stopping lets the run end and refuses those who still wait', async () => {
  const runs = new Runs();
  const scheduler = schedulerOf(runs, { scheduleDelayMs: 60_000 });
  const waiting = scheduler.collect(never).then(
    () => 'collected',
    () => 'refused',
  );
  await scheduler[Symbol.asyncDispose]();
  expect([await waiting, runs.count]).toEqual(['refused', 0]);
});

test('when something expires a collection is due, and the next for what expires after that', async () => {
  const runs = new Runs();
  const second = Date.now() + 150;
  const run = async () => {
    await runs.run();
    return runs.count === 1 ? { ...stats, nextExpiryMs: second } : stats;
  };
  await using scheduler = schedulerOf(runs, { run, pauseThreshold: 0 });
  scheduler.expires(Date.now() + 10 * 86_400_000_000); // more than a timer takes
  scheduler.expires(Date.now() + 60);
  expect(runs.count).toBe(0);
  await runs.reach(1);
  await runs.reach(2);
  expect(Date.now()).toBeGreaterThan(second);
  await setTimeout(50);
  expect(runs.count).toBe(2);
});
