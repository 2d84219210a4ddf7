import { Buffer } from 'node:buffer';
import { type ByteText, byteText, isPlainAscii, toBytes } from './byte-text.ts';
import type { EntryType, Extent, TarEntry } from './entry.ts';
import { blockSize } from './header.ts';
import { formatPaxRecord, formatPaxTime } from './pax.ts';
import { paddingOf } from './reader.ts';

/**
 * The blocks that announce a member: a ustar header, with an extended header before it for whatever does not fit in one. Everything that
 * reads PAX archives reads them (Go, GNU tar, libarchive, Python). The same entry always gives the same bytes.
 *
 * After them come `storedSize` bytes of data and `paddingOf` them in zeros. Of a sparse entry only the extents are data; their map is part
 * of what is returned here.
 */
export function encodeEntry(entry: TarEntry): Uint8Array {
  const map = entry.extents === undefined ? undefined : sparseMap(entry.extents, entry.size);
  const stored = storedSize(entry) + (map?.length ?? 0);
  const records = recordsOf(entry, stored, map !== undefined);
  const header = headerBlock(entry, stored);
  const blocks = records === '' ? [header] : [...extendedHeader(entry.name, toBytes(records)), header];
  return join(map === undefined ? blocks : [...blocks, map]);
}

/** How many bytes of data follow. */
export const storedSize = (entry: TarEntry): number =>
  entry.extents === undefined ? entry.size : entry.extents.reduce((sum, { length }) => sum + length, 0);

/** What an archive ends with. */
export const endOfArchive: Uint8Array = new Uint8Array(2 * blockSize);

export const zeros = (length: number): Uint8Array => new Uint8Array(length);

const flags: Readonly<Record<EntryType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  char: '3',
  block: '4',
  dir: '5',
  fifo: '6',
};

const nameLength = 100;
const prefixLength = 155;

function headerBlock(entry: TarEntry, stored: number): Uint8Array {
  const block = new Uint8Array(blockSize);
  const { name, prefix } = splitName(entry.name) ?? { name: entry.name.slice(0, nameLength), prefix: '' };
  put(block, 0, name, nameLength);
  octal(block, 100, 8, entry.mode);
  octal(block, 108, 8, entry.uid);
  octal(block, 116, 8, entry.gid);
  octal(block, 124, 12, stored);
  octal(block, 136, 12, entry.mtime.seconds);
  put(block, 156, flags[entry.type], 1);
  put(block, 157, entry.linkName, nameLength);
  put(block, 257, 'ustar\x0000', 8);
  put(block, 265, entry.userName ?? '', 31);
  put(block, 297, entry.groupName ?? '', 31);
  octal(block, 329, 8, entry.major);
  octal(block, 337, 8, entry.minor);
  put(block, 345, prefix, prefixLength);
  return sealed(block);
}

/** The name in two parts as ustar has room for; `undefined` when it does not fit or is not ASCII. */
function splitName(name: ByteText): { readonly name: ByteText; readonly prefix: ByteText } | undefined {
  if (!isPlainAscii(name)) return undefined;
  if (name.length <= nameLength) return { name, prefix: '' };
  // The slash between the parts is not stored; one at the very end is no place to split.
  const slash = name.lastIndexOf('/', Math.min(prefixLength, name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > nameLength) return undefined;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

function recordsOf(entry: TarEntry, stored: number, sparse: boolean): ByteText {
  let records = '';
  const add = (key: ByteText, value: ByteText) => {
    records += formatPaxRecord(key, value);
  };
  if (sparse) {
    add('GNU.sparse.major', '1');
    add('GNU.sparse.minor', '0');
    add('GNU.sparse.name', entry.name);
    add('GNU.sparse.realsize', String(entry.size));
  }
  if (splitName(entry.name) === undefined) add('path', entry.name);
  if (entry.linkName.length > nameLength || !isPlainAscii(entry.linkName)) add('linkpath', entry.linkName);
  if (!fitsOctal(entry.uid, 8)) add('uid', String(entry.uid));
  if (!fitsOctal(entry.gid, 8)) add('gid', String(entry.gid));
  if (!fitsOctal(stored, 12)) add('size', String(stored));
  if (entry.mtime.nanos !== 0 || !fitsOctal(entry.mtime.seconds, 12)) add('mtime', formatPaxTime(entry.mtime));
  if (entry.atime !== undefined) add('atime', formatPaxTime(entry.atime));
  for (const name of ['userName', 'groupName'] as const) {
    const value = entry[name] ?? '';
    if (value.length > 31 || !isPlainAscii(value)) add(name === 'userName' ? 'uname' : 'gname', value);
  }
  for (const [key, value] of [...(entry.xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // A record's key ends at the first equals sign; libarchive's form has a way around that.
    if (key.includes('=')) add(`LIBARCHIVE.xattr.${percentEncoded(key)}`, Buffer.from(value).toString('base64'));
    else add(`SCHILY.xattr.${key}`, byteText(value));
  }
  return records;
}

const percentEncoded = (key: ByteText): ByteText =>
  key.replace(/[^A-Za-z0-9._-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** Its own name matters to nobody; it is made of the member's, as other archivers do, without what could not be stored. */
function extendedHeader(name: ByteText, records: Uint8Array): readonly Uint8Array[] {
  const base = name
    .replace(/\/+$/, '')
    .replace(/^.*\//, '')
    .replace(/[^ -~]/g, '_');
  const block = new Uint8Array(blockSize);
  put(block, 0, `PaxHeaders.0/${base}`.slice(0, nameLength), nameLength);
  octal(block, 100, 8, 0o644);
  octal(block, 108, 8, 0);
  octal(block, 116, 8, 0);
  octal(block, 124, 12, records.length);
  octal(block, 136, 12, 0);
  put(block, 156, 'x', 1);
  put(block, 257, 'ustar\x0000', 8);
  return [sealed(block), records, zeros(paddingOf(records.length))];
}

function sparseMap(parts: readonly Extent[], size: number): Uint8Array {
  const last = parts.at(-1);
  const endsInHole = size > (last === undefined ? 0 : last.offset + last.length);
  // GNU tar gives the file its size only by an empty piece at its end.
  const extents = endsInHole ? [...parts, { offset: size, length: 0 }] : parts;
  const lines = [extents.length, ...extents.flatMap(({ offset, length }) => [offset, length])];
  const text = toBytes(`${lines.join('\n')}\n`);
  return join([text, zeros(paddingOf(text.length))]);
}

function put(block: Uint8Array, at: number, text: ByteText, room: number): void {
  block.set(toBytes(text).subarray(0, room), at);
}

const fitsOctal = (value: number, room: number): boolean => value >= 0 && value < 8 ** (room - 1);

/** Zero where the number does not fit: then a record says it. */
function octal(block: Uint8Array, at: number, room: number, value: number): void {
  const shown = fitsOctal(value, room) ? value : 0;
  put(block, at, `${shown.toString(8).padStart(room - 1, '0')}\0`, room);
}

function sealed(block: Uint8Array): Uint8Array {
  const sum = block.reduce((total, byte) => total + byte, 8 * 0x20);
  put(block, 148, `${sum.toString(8).padStart(6, '0')}\0 `, 8);
  return block;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
