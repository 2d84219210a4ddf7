/** Go's units in nanoseconds, the largest first. */
const units = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, µs: 1e3, us: 1e3, ns: 1 } as const;
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy;

/** Reads a duration as Go writes it (`1h2m3s`, `100ms`, `0`, `-1.5s`) and gives milliseconds; `undefined` when the text is none. */
export function parseDuration(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[+-]/, '').replaceAll('\u03bc', 'µ');
  if (body === '0') return 0;
  let nanos = 0;
  let end = 0;
  for (const match of body.matchAll(part)) {
    nanos += Number(match[1]) * units[match[2] as keyof typeof units];
    end = match.index + match[0].length;
  }
  // Go counts nanoseconds in 64 bits, some 292 years.
  return end === 0 || end !== body.length || nanos >= 2 ** 63 ? undefined : (sign * nanos) / 1e6;
}

/** Writes milliseconds as Go does: `0s`, `100ms`, `1m0s`, `2h30m0s`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  const nanos = Math.round(ms * 1e6);
  if (nanos === 0) return '0s';
  if (nanos < 1e9) {
    const unit = nanos < 1e3 ? 'ns' : nanos < 1e6 ? 'µs' : 'ms';
    return `${nanos / units[unit]}${unit}`;
  }
  const minutes = Math.floor(nanos / 6e10);
  // Never with an exponent, which nobody reads.
  const seconds = `${((nanos - minutes * 6e10) / 1e9).toFixed(9).replace(/\.?0+$/, '')}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}
