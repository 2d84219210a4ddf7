import { invalidArgument } from '#base/errors';
import type { HealthSettings } from '#core/engine/container-settings';
import type { ImageHealthcheck } from '#lib/oci/image-config';
import type { HealthOptions } from './create-options.ts';

const defaults = { interval: 30e9, timeout: 30e9, startPeriod: 0, startInterval: 5e9, retries: 3 };
const shortest = 1e6;

/** What was asked for, and what the image says; 0 where nobody says anything. */
export type AskedHealth = HealthSettings;

/** As it was asked for, or as the image says; undefined for not at all. @throws invalid_argument in docker's words */
export function askedHealth(
  wanted: HealthOptions | undefined,
  image: ImageHealthcheck | undefined,
): AskedHealth | undefined {
  const nothing = { interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };
  if (wanted === 'none') return { test: ['NONE'], ...nothing };
  const test = wanted?.command ?? image?.test ?? [];
  if (test.length === 0 || test[0] === '') return undefined;
  if (test[0] === 'NONE') return { test: ['NONE'], ...nothing };
  const nanoseconds = (name: string, ms: number | undefined, own: number | undefined) => {
    const value = Math.round((ms ?? 0) * 1e6) || (own ?? 0);
    if (value !== 0 && value < shortest) throw invalidArgument(`${name} in Healthcheck cannot be less than 1ms`);
    return value;
  };
  return {
    test,
    interval: nanoseconds('Interval', wanted?.intervalMs, image?.interval),
    timeout: nanoseconds('Timeout', wanted?.timeoutMs, image?.timeout),
    startPeriod: nanoseconds('StartPeriod', wanted?.startPeriodMs, image?.startPeriod),
    startInterval: nanoseconds('StartInterval', wanted?.startIntervalMs, image?.startInterval),
    retries: wanted?.retries || image?.retries || 0,
  };
}

/** The same with docker's customs for what nobody said. */
export const healthSettings = (asked: AskedHealth): HealthSettings => ({
  test: asked.test,
  interval: asked.interval || defaults.interval,
  timeout: asked.timeout || defaults.timeout,
  startPeriod: asked.startPeriod || defaults.startPeriod,
  startInterval: asked.startInterval || defaults.startInterval,
  retries: asked.retries || defaults.retries,
});
