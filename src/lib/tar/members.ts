import { Buffer } from 'node:buffer';
import { invalidArgument } from '#base/errors';
import { type ByteText, toBytes, toDisplay } from './byte-text.ts';
import type { EntryType, TarEntry } from './entry.ts';
import type { RawHeader } from './header.ts';
import { type PaxRecords, paxInteger, paxTime } from './pax.ts';
import type { PaxSparse } from './sparse.ts';

/** No path on Linux is longer. */
export const maxNameBytes = 4096;

/** What the blocks before a header say about its member. */
export interface Extensions {
  readonly pax: PaxRecords;
  readonly longName?: ByteText;
  readonly longLink?: ByteText;
}

/** A member, and how many bytes of data follow its header. */
export interface Member {
  readonly entry: TarEntry;
  readonly storedSize: number;
}

/** Puts together a header and what came before it. @throws invalid_argument for a type that cannot be unpacked */
export function assembleMember(header: RawHeader, extensions: Extensions, sparse: PaxSparse | undefined): Member {
  const pax = new Map(extensions.pax);
  // An empty value takes the record back.
  const said = (key: string): ByteText | undefined => pax.get(key) || undefined;
  const whole = (key: string, fallback: number): number => {
    const value = said(key);
    return value === undefined ? fallback : paxInteger(key, value);
  };
  const name = checkedName(sparse?.name ?? said('path') ?? extensions.longName ?? header.name, 'name');
  const linkName = checkedName(said('linkpath') ?? extensions.longLink ?? header.linkName, 'link');
  const type = typeOf(header.flag, name);
  const storedSize = type === 'file' ? whole('size', header.size) : 0;
  const [uid, gid] = [whole('uid', header.uid), whole('gid', header.gid)];
  if (storedSize < 0) throw invalidArgument(`tar: negative size of ${toDisplay(name)}`);
  checkId(uid, name);
  checkId(gid, name);
  const mtime = said('mtime');
  const atime = said('atime');
  const userName = said('uname') ?? header.userName;
  const groupName = said('gname') ?? header.groupName;
  const xattrs = xattrsOf(extensions.pax);
  const entry: TarEntry = {
    type,
    name,
    linkName: type === 'link' || type === 'symlink' ? linkName : '',
    mode: header.mode,
    uid,
    gid,
    size: type === 'file' ? (sparse?.realSize ?? storedSize) : 0,
    mtime: mtime === undefined ? header.mtime : paxTime('mtime', mtime),
    major: whole('SCHILY.devmajor', header.major),
    minor: whole('SCHILY.devminor', header.minor),
    ...(atime !== undefined && { atime: paxTime('atime', atime) }),
    ...(userName !== '' && { userName }),
    ...(groupName !== '' && { groupName }),
    ...(xattrs !== undefined && { xattrs }),
  };
  return { entry, storedSize };
}

const types: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
  // Contiguous, in the days of MULTICS; a plain file to everyone since.
  '7': 'file',
  S: 'file',
};

function typeOf(flag: string, name: ByteText): EntryType {
  const type = types[flag];
  if (type === undefined) throw invalidArgument(`tar: ${toDisplay(name)}: unknown type ${JSON.stringify(flag)}`);
  // The oldest archives know directories only by the slash.
  return type === 'file' && name.endsWith('/') ? 'dir' : type;
}

function checkedName(name: ByteText, what: string): ByteText {
  if (name.length > maxNameBytes) throw invalidArgument(`tar: ${what} of more than ${maxNameBytes} bytes`);
  return name;
}

function checkId(id: number, name: ByteText): void {
  // 2^32 - 1 means "leave as it is" to chown.
  if (id < 0 || id >= 0xffff_ffff) throw invalidArgument(`tar: ${toDisplay(name)}: owner ${id} is out of range`);
}

const schily = 'SCHILY.xattr.';
const libarchive = 'LIBARCHIVE.xattr.';

function xattrsOf(records: PaxRecords): ReadonlyMap<ByteText, Uint8Array> | undefined {
  let found: Map<ByteText, Uint8Array> | undefined;
  for (const [key, value] of records) {
    if (key.startsWith(libarchive)) {
      const name = percentDecoded(key.slice(libarchive.length));
      found ??= new Map();
      // libarchive writes both forms with the same value; the plain one stands.
      if (!found.has(name)) found.set(name, Buffer.from(value, 'base64'));
    } else if (key.startsWith(schily)) {
      found ??= new Map();
      found.set(key.slice(schily.length), toBytes(value));
    }
  }
  return found;
}

function percentDecoded(text: ByteText): ByteText {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
