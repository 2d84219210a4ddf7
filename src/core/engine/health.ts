import type { HealthSettings } from './container-settings.ts';
import { type HealthResult, type HealthState, keptResults } from './health-file.ts';

/** Times in milliseconds; what settings leave open is as docker has it. */
export interface HealthPlan {
  readonly test: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
}

const usual = { intervalMs: 30_000, timeoutMs: 30_000, startIntervalMs: 5_000, retries: 3 };
const nanosInMs = 1e6;
/** Timers that are longer go off at once. */
const longestMs = 2 ** 31 - 1;

/** Undefined where nothing is to be probed. */
export function healthPlan(settings: HealthSettings | undefined): HealthPlan | undefined {
  const [kind = 'NONE', ...words] = settings?.test ?? [];
  if (settings === undefined || kind === 'NONE' || words.length === 0) return undefined;
  const ms = (nanos: number, otherwise: number): number =>
    nanos > 0 ? Math.min(nanos / nanosInMs, longestMs) : otherwise;
  return {
    test: kind === 'CMD-SHELL' ? ['/bin/sh', '-c', words.join(' ')] : words,
    intervalMs: ms(settings.interval, usual.intervalMs),
    timeoutMs: ms(settings.timeout, usual.timeoutMs),
    startPeriodMs: ms(settings.startPeriod, 0),
    startIntervalMs: ms(settings.startInterval, usual.startIntervalMs),
    retries: settings.retries > 0 ? settings.retries : usual.retries,
  };
}

export const startingHealth: HealthState = { Status: 'starting', FailingStreak: 0, Log: [] };

/** What a probe makes of the state. While a container starts, failures within its start period do not count. */
export function afterProbe(
  { Status, FailingStreak, Log }: HealthState,
  result: HealthResult,
  { retries, startPeriodMs }: Pick<HealthPlan, 'retries' | 'startPeriodMs'>,
  startedAtMs: number,
): HealthState {
  const log = [...Log, result].slice(-keptResults);
  if (result.ExitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log: log };
  if (Status === 'starting' && Date.parse(result.Start) - startedAtMs < startPeriodMs)
    return { Status, FailingStreak, Log: log };
  const streak = FailingStreak + 1;
  return { Status: streak >= retries ? 'unhealthy' : Status, FailingStreak: streak, Log: log };
}

/** How long until the next probe. */
export function nextProbeMs(
  { Status }: Pick<HealthState, 'Status'>,
  { intervalMs, startIntervalMs, startPeriodMs }: HealthPlan,
  runningMs: number,
): number {
  return Status === 'starting' && runningMs < startPeriodMs ? startIntervalMs : intervalMs;
}
