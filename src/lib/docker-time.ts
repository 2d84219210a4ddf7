import { parseDuration } from '#base/duration';
import { invalidArgument } from '#base/errors';
import { fromNanos, parseTimestamp, type Timestamp, toNanos } from '#base/timestamp';

/**
 * Reads a moment as docker takes it in `--since`, `--until` and filters: a Go duration before the present (`10m`), seconds since 1970 with a
 * fraction (`1136073600.000000001`), or a date with or without time and zone, the machine's own zone where there is none.
 *
 * @throws invalid_argument
 */
export function parseMoment(text: string, present: Timestamp): Timestamp {
  const durationMs = parseDuration(text);
  if (durationMs !== undefined && text !== '0')
    return fromNanos(toNanos(present) - BigInt(Math.round(durationMs * 1e6)));
  const moment = text.includes('-') ? parseDate(text) : parseSeconds(text);
  if (moment === undefined) throw invalidArgument(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return moment;
}

function parseSeconds(text: string): Timestamp | undefined {
  const match = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text);
  return match === null ? undefined : { seconds: Number(match[1]), nanos: Number((match[2] ?? '').padEnd(9, '0')) };
}

const dateForm = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(\.\d{1,9})?)?)?)?(Z|[+-]\d\d:\d\d)?$/;

function parseDate(text: string): Timestamp | undefined {
  const match = dateForm.exec(text);
  if (match === null) return undefined;
  const [, date, hour = '00', minute = '00', second = '00', fraction = '', zone] = match;
  const clock = `${date}T${hour}:${minute}:${second}`;
  if (zone !== undefined) return parseTimestamp(`${clock}${fraction}${zone}`);
  // Without a zone, a date with a time is read as the machine's own.
  const ms = Date.parse(clock);
  if (Number.isNaN(ms)) return undefined;
  return { seconds: Math.floor(ms / 1000), nanos: Number(fraction.slice(1).padEnd(9, '0')) };
}
