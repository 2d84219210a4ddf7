import { invalidArgument } from '#base/errors';
import type { Timestamp } from '#base/timestamp';
import { type ByteText, byteText } from './byte-text.ts';

/** Records of one extended header, in order: later ones of the same key override. GNU.sparse 0.0 repeats keys with meaning, hence a list. */
export type PaxRecords = readonly (readonly [key: ByteText, value: ByteText])[];

/** Reads `<length> <key>=<value>\n` records. @throws invalid_argument */
export function parsePax(bytes: Uint8Array): PaxRecords {
  const records: (readonly [string, string])[] = [];
  let at = 0;
  while (at < bytes.length) {
    let length = 0;
    let digits = at;
    while (digits < bytes.length && bytes[digits]! >= 0x30 && bytes[digits]! <= 0x39) {
      length = length * 10 + bytes[digits]! - 0x30;
      if (length > bytes.length) throw invalidArgument('tar: extended header: a record longer than the header');
      digits++;
    }
    const end = at + length;
    // "5 a=\n": the shortest record has a digit, a space, one character of key, an equals sign and a newline.
    if (digits === at || bytes[digits] !== 0x20 || end > bytes.length || end < digits + 4 || bytes[end - 1] !== 0x0a) {
      throw invalidArgument('tar: extended header: malformed record');
    }
    const equals = bytes.indexOf(0x3d, digits + 1);
    if (equals <= digits + 1 || equals >= end - 1) throw invalidArgument('tar: extended header: record without a key');
    const key = byteText(bytes, digits + 1, equals);
    const value = byteText(bytes, equals + 1, end - 1);
    checkRecord(key, value);
    records.push([key, value]);
    at = end;
  }
  return records;
}

const textKeys: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname', 'GNU.sparse.name']);

function checkRecord(key: ByteText, value: ByteText): void {
  const nul = textKeys.has(key) ? value.includes('\0') : key.includes('\0');
  if (nul) throw invalidArgument('tar: extended header: a NUL inside a name');
}

/** One record as bytes-as-text: its length counts itself. */
export function formatPaxRecord(key: ByteText, value: ByteText): ByteText {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** A whole number in decimal. @throws invalid_argument */
export function paxInteger(key: ByteText, value: ByteText): number {
  const parsed = Number(value);
  if (!/^-?\d{1,16}$/.test(value) || !Number.isSafeInteger(parsed)) {
    throw invalidArgument(`tar: extended header: bad ${key}`);
  }
  return parsed;
}

/** Seconds with any fraction; digits beyond nanoseconds are cut. @throws invalid_argument */
export function paxTime(key: ByteText, value: ByteText): Timestamp {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(value);
  if (match === null) throw invalidArgument(`tar: extended header: bad ${key}`);
  const seconds = Number(match[2]);
  const nanos = Number((match[3] ?? '').padEnd(9, '0').slice(0, 9));
  if (match[1] === '') return { seconds, nanos };
  return nanos === 0 ? { seconds: 0 - seconds, nanos } : { seconds: -seconds - 1, nanos: 1_000_000_000 - nanos };
}

/** The inverse, without needless zeros. */
export function formatPaxTime(at: Timestamp): ByteText {
  if (at.nanos === 0) return String(at.seconds);
  const negative = at.seconds < 0;
  const seconds = negative ? -at.seconds - 1 : at.seconds;
  const nanos = negative ? 1_000_000_000 - at.nanos : at.nanos;
  return `${negative ? '-' : ''}${seconds}.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
}
