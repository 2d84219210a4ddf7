import { expect, test } from 'bun:test';
import { afterProbe, healthPlan, nextProbeMs, startingHealth } from './health.ts';
import type { HealthState } from './health-file.ts';

const second = 1e9;
const none = { interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };
const at = (seconds: number, exitCode: number) => ({
  Start: new Date(seconds * 1000).toISOString(),
  End: new Date(seconds * 1000 + 10).toISOString(),
  ExitCode: exitCode,
  Output: '',
});

test('what settings leave open is as docker has it', () => {
  expect(healthPlan({ ...none, test: ['CMD-SHELL', 'test -e /x'] })).toEqual({
    test: ['/bin/sh', '-c', 'test -e /x'],
    ...{ intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5_000, retries: 3 },
  });
  expect(healthPlan({ ...none, test: ['CMD', 'a', 'b'], interval: 2 * second, retries: 1 })).toMatchObject({
    test: ['a', 'b'],
    intervalMs: 2_000,
    retries: 1,
  });
  expect([healthPlan(undefined), healthPlan({ ...none, test: ['NONE'] }), healthPlan({ ...none, test: [] })]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('times that no timer can wait for are the longest that one can', () => {
  const hours = 1000 * 3600 * second;
  const plan = healthPlan({ ...none, test: ['CMD', 'a'], interval: hours, timeout: hours, startPeriod: hours });
  expect(plan).toMatchObject({ intervalMs: 2 ** 31 - 1, timeoutMs: 2 ** 31 - 1, startPeriodMs: 2 ** 31 - 1 });
});

test('so many failures in a row make it unhealthy, one success makes it healthy', () => {
  const plan = { retries: 2, startPeriodMs: 0 };
  const seen: HealthState[] = [];
  for (const [n, code] of [1, 1, 1, 0, 1].entries())
    seen.push(afterProbe(seen.at(-1) ?? startingHealth, at(n, code), plan, 0));
  expect(seen.map(({ Status, FailingStreak }) => [Status, FailingStreak])).toEqual([
    ['starting', 1],
    ['unhealthy', 2],
    ['unhealthy', 3],
    ['healthy', 0],
    ['healthy', 1],
  ]);
});

test('while it starts failures do not count, until it was healthy once', () => {
  const plan = { retries: 1, startPeriodMs: 10_000 };
  const early = afterProbe(startingHealth, at(5, 1), plan, 0);
  expect(early).toMatchObject({ Status: 'starting', FailingStreak: 0 });
  expect(afterProbe(early, at(11, 1), plan, 0)).toMatchObject({ Status: 'unhealthy', FailingStreak: 1 });
  const well = afterProbe(startingHealth, at(2, 0), plan, 0);
  expect(afterProbe(well, at(3, 1), plan, 0)).toMatchObject({ Status: 'unhealthy' });
});

test('the last five are kept, and probes come faster while it starts', () => {
  let state = startingHealth;
  for (let n = 0; n < 8; n++) state = afterProbe(state, at(n, 0), { retries: 3, startPeriodMs: 0 }, 0);
  expect(state.Log.map(({ Start }) => Date.parse(Start) / 1000)).toEqual([3, 4, 5, 6, 7]);
  const plan = { test: ['x'], intervalMs: 30, timeoutMs: 1, startPeriodMs: 100, startIntervalMs: 2, retries: 1 };
  expect([
    nextProbeMs(startingHealth, plan, 50),
    nextProbeMs(startingHealth, plan, 100),
    nextProbeMs(state, plan, 50),
  ]).toEqual([2, 30, 30]);
});
