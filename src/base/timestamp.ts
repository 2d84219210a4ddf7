/** A moment to the nanosecond, as protobuf's Timestamp has it: seconds since the epoch and 0 ≤ nanos < 1e9. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

// Date.now() has milliseconds only; the monotonic clock supplies the rest, so that two moments in one millisecond differ.
const epochOffset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
let last = 0n;

/** The present moment. Never goes back within one process unless the wall clock was set back by more than a second. */
export function now(): Timestamp {
  const wall = BigInt(Date.now()) * 1_000_000n;
  let nanos = epochOffset + process.hrtime.bigint();
  const drift = wall - nanos;
  if (drift > 1_000_000_000n || drift < -1_000_000_000n) nanos = wall;
  else if (nanos <= last) nanos = last + 1n;
  last = nanos;
  return fromNanos(nanos);
}

export function fromNanos(nanos: bigint): Timestamp {
  const seconds = nanos / 1_000_000_000n;
  const rest = nanos % 1_000_000_000n;
  return rest < 0n
    ? { seconds: Number(seconds) - 1, nanos: Number(rest + 1_000_000_000n) }
    : { seconds: Number(seconds), nanos: Number(rest) };
}

export const toNanos = (at: Timestamp): bigint => BigInt(at.seconds) * 1_000_000_000n + BigInt(at.nanos);
export const fromMillis = (ms: number): Timestamp => fromNanos(BigInt(Math.round(ms)) * 1_000_000n);
export const toMillis = (at: Timestamp): number => at.seconds * 1000 + at.nanos / 1e6;

/** Negative, zero or positive as `a` is before, at or after `b`. */
export const compare = (a: Timestamp, b: Timestamp): number => a.seconds - b.seconds || a.nanos - b.nanos;

/** RFC 3339 in UTC with exactly nine digits of fraction: sorts as text in order of time. */
export function formatTimestamp(at: Timestamp): string {
  const iso = new Date(at.seconds * 1000).toISOString().slice(0, 19);
  return `${iso}.${String(at.nanos).padStart(9, '0')}Z`;
}

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,18}))?([Zz]|[+-]\d\d:\d\d)$/;

/** Reads RFC 3339 with any fraction and zone; `undefined` when the text is not that. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [, date, time, fraction = '', zone] = match;
  const ms = Date.parse(`${date}T${time}${zone?.toUpperCase()}`);
  if (Number.isNaN(ms)) return undefined;
  return { seconds: Math.floor(ms / 1000), nanos: Number(fraction.padEnd(9, '0').slice(0, 9)) };
}
