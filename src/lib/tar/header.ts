import { invalidArgument } from '#base/errors';
import type { Timestamp } from '#base/timestamp';
import { type ByteText, byteText } from './byte-text.ts';

export const blockSize = 512;

export type TarFormat = 'v7' | 'ustar' | 'star' | 'gnu';

/** One header block, before what other blocks say about the same member. */
export interface RawHeader {
  readonly format: TarFormat;
  /** The type character; NUL reads as '0'. */
  readonly flag: string;
  readonly name: ByteText;
  readonly linkName: ByteText;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: Timestamp;
  readonly userName: ByteText;
  readonly groupName: ByteText;
  readonly major: number;
  readonly minor: number;
}

/** True for a block of zeros: two of them end an archive. */
export function isZeroBlock(block: Uint8Array, start: number): boolean {
  for (let i = start; i < start + blockSize; i++) if (block[i] !== 0) return false;
  return true;
}

/** Reads the 512 bytes at `start`. @throws invalid_argument for a wrong checksum or a malformed number */
export function parseHeader(block: Uint8Array, start: number): RawHeader {
  verifyChecksum(block, start);
  const format = formatOf(block, start);
  const flag = block[start + 156]!;
  const base = cString(block, start, 100);
  const prefixLength = format === 'ustar' ? 155 : format === 'star' ? 131 : 0;
  const prefix = prefixLength === 0 ? '' : cString(block, start + 345, prefixLength);
  const named = format !== 'v7';
  return {
    format,
    flag: flag === 0 ? '0' : String.fromCharCode(flag),
    name: prefix === '' ? base : `${prefix}/${base}`,
    linkName: cString(block, start + 157, 100),
    mode: number(block, start + 100, 8, 'mode') & 0o7777,
    uid: number(block, start + 108, 8, 'uid'),
    gid: number(block, start + 116, 8, 'gid'),
    size: number(block, start + 124, 12, 'size'),
    mtime: { seconds: number(block, start + 136, 12, 'mtime'), nanos: 0 },
    userName: named ? cString(block, start + 265, 32) : '',
    groupName: named ? cString(block, start + 297, 32) : '',
    major: named ? number(block, start + 329, 8, 'device') : 0,
    minor: named ? number(block, start + 337, 8, 'device') : 0,
  };
}

/**
 * A number field: octal digits, perhaps between spaces and NULs, or base 256 when the first bit is set (two's complement).
 * @throws invalid_argument for anything else, and beyond 2^53
 */
export function number(block: Uint8Array, start: number, length: number, what: string): number {
  const first = block[start]!;
  if (first & 0x80) return base256(block, start, length, what);
  let at = start;
  let end = start + length;
  while (at < end && isBlank(block[at]!)) at++;
  while (end > at && isBlank(block[end - 1]!)) end--;
  let value = 0;
  for (; at < end; at++) {
    const byte = block[at]!;
    if (byte === 0) break;
    if (byte < 0x30 || byte > 0x37) throw invalidArgument(`tar: bad ${what} in a header`);
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

function base256(block: Uint8Array, start: number, length: number, what: string): number {
  const negative = (block[start]! & 0x40) !== 0;
  let value = negative ? -1 : 0;
  for (let i = 0; i < length; i++) {
    // The first bit only says that this is base 256; the second is the sign, which the first repeats for a negative number.
    const byte = i === 0 ? (negative ? block[start]! | 0x80 : block[start]! & 0x7f) : block[start + i]!;
    value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw invalidArgument(`tar: ${what} beyond what can be counted`);
  }
  return value;
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0;

function cString(block: Uint8Array, start: number, length: number): ByteText {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return end === start ? '' : byteText(block, start, end);
}

/** Old archivers summed signed characters; both sums are accepted. */
function verifyChecksum(block: Uint8Array, start: number): void {
  let unsigned = 8 * 0x20;
  let signed = unsigned;
  for (let i = start; i < start + blockSize; i++) {
    if (i === start + 148) i += 8;
    const byte = block[i]!;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stored = number(block, start + 148, 8, 'checksum');
  if (stored !== unsigned && stored !== signed) throw invalidArgument('tar: wrong checksum of a header');
}

function formatOf(block: Uint8Array, start: number): TarFormat {
  const magic = byteText(block, start + 257, start + 265);
  if (magic === 'ustar  \0') return 'gnu';
  if (!magic.startsWith('ustar\0')) return 'v7';
  return byteText(block, start + 508, start + 512) === 'tar\0' ? 'star' : 'ustar';
}
