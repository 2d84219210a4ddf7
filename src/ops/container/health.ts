import { invalidArgument } from '#base/errors';
import type { HealthSettings } from '#core/engine/container-settings';
import type { ImageHealthcheck } from '#lib/oci/image-config';
import type { HealthOptions } from './create-options.ts';

const defaults = { interval: 30e9, timeout: 30e9, startPeriod: 0, startInterval: 5e9, retries: 3 };
const shortest = 1e6;

/** How it is found out whether a container is well: as was asked for, as the image says, or not at all. @throws invalid_argument in docker's words */
export function healthSettings(
  wanted: HealthOptions | undefined,
  image: ImageHealthcheck | undefined,
): HealthSettings | undefined {
  if (wanted === 'none') return { test: ['NONE'], ...defaults };
  const test = wanted?.command ?? image?.test ?? [];
  if (test.length === 0 || test[0] === '') return undefined;
  if (test[0] === 'NONE') return { test: ['NONE'], ...defaults };
  const nanoseconds = (name: string, ms: number | undefined, own: number | undefined, usual: number) => {
    const value = Math.round((ms ?? 0) * 1e6) || (own ?? 0);
    if (value !== 0 && value < shortest) throw invalidArgument(`${name} in Healthcheck cannot be less than 1ms`);
    return value === 0 ? usual : value;
  };
  return {
    test,
    interval: nanoseconds('Interval', wanted?.intervalMs, image?.interval, defaults.interval),
    timeout: nanoseconds('Timeout', wanted?.timeoutMs, image?.timeout, defaults.timeout),
    startPeriod: nanoseconds('StartPeriod', wanted?.startPeriodMs, image?.startPeriod, defaults.startPeriod),
    startInterval: nanoseconds('StartInterval', wanted?.startIntervalMs, image?.startInterval, defaults.startInterval),
    retries: wanted?.retries || image?.retries || defaults.retries,
  };
}
