import { Buffer } from 'node:buffer';
import { closeSync, constants, readSync } from 'node:fs';
import { type ByteText, byteText, fromUnicode } from '#lib/tar/byte-text';
import { type Entry, listAt, openAt, readlinkAt } from '#sys/at';
import { type FileStat, isDirectory, isRegular, isSymlink } from '#sys/stat';
import { layerXattrs } from './layer-xattrs.ts';
import { pathText } from './path-text.ts';

/** How a name in the upper tree stands to the lower one. `same` is reported only for files of several names. */
export interface Change {
  readonly kind: 'add' | 'modify' | 'delete' | 'same';
  /** Below the root, without a slash at either end. */
  readonly path: ByteText;
  /** Of the upper tree; of the lower one for `delete`. */
  readonly stat: FileStat;
}

/**
 * Walks two trees at once and yields what differs, in an order that depends on the names only: every directory before what is in it, names
 * by their bytes. A directory that is gone is one deletion. Files count as the same when owner, mode, size, attributes and time agree;
 * where both times have no fraction (a copy may have lost it) their contents are compared too. `lower` undefined: everything is new.
 */
export function* treeChanges(lower: number | undefined, upper: number): Generator<Change> {
  yield* directoryChanges(lower, upper, '');
}

function* directoryChanges(lower: number | undefined, upper: number, path: ByteText): Generator<Change> {
  const before = lower === undefined ? new Map<ByteText, FileStat>() : namesIn(lower);
  const after = namesIn(upper);
  const names = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => (a < b ? -1 : 1));
  for (const name of names) {
    const old = before.get(name);
    const now = after.get(name);
    const at = path === '' ? name : `${path}/${name}`;
    if (now === undefined) {
      yield { kind: 'delete', path: at, stat: old! };
      continue;
    }
    const kind = old === undefined ? 'add' : isSame(lower!, old, upper, now, name) ? 'same' : 'modify';
    if (kind !== 'same' || (!isDirectory(now) && now.nlink > 1)) yield { kind, path: at, stat: now };
    if (isDirectory(now)) {
      yield* inside(old !== undefined && isDirectory(old) ? lower : undefined, upper, name, at);
    }
  }
}

function* inside(lower: number | undefined, upper: number, name: ByteText, path: ByteText): Generator<Change> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  const now = openAt(upper, pathText(name), flags);
  try {
    const old = lower === undefined ? undefined : openAt(lower, pathText(name), flags);
    try {
      yield* directoryChanges(old, now, path);
    } finally {
      if (old !== undefined) closeSync(old);
    }
  } finally {
    closeSync(now);
  }
}

function namesIn(dirfd: number): Map<ByteText, FileStat> {
  return new Map(listAt(dirfd).map(({ name, stat }: Entry) => [nameText(name), stat]));
}

const nameText = (name: string | Uint8Array): ByteText =>
  typeof name === 'string' ? fromUnicode(name) : byteText(name);

function isSame(lower: number, a: FileStat, upper: number, b: FileStat, name: ByteText): boolean {
  if (a.inode === b.inode) return true;
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (a.rdevMajor !== b.rdevMajor || a.rdevMinor !== b.rdevMinor) return false;
  if (!isDirectory(a)) {
    if (a.size !== b.size || a.mtimeSec !== b.mtimeSec || a.mtimeNs !== b.mtimeNs) return false;
    if (a.mtimeNs === 0 && !sameContent(lower, a, upper, name)) return false;
  }
  return sameXattrs(lower, upper, name);
}

function sameContent(lower: number, stat: FileStat, upper: number, name: ByteText): boolean {
  const text = pathText(name);
  if (isSymlink(stat)) return nameText(readlinkAt(lower, text)) === nameText(readlinkAt(upper, text));
  if (!isRegular(stat) || stat.size === 0) return true;
  using files = new DisposableStack();
  const open = (dirfd: number) => files.adopt(openAt(dirfd, text, constants.O_RDONLY), closeSync);
  return sameBytes(open(lower), open(upper));
}

function sameBytes(a: number, b: number): boolean {
  const left = Buffer.allocUnsafe(1 << 17);
  const right = Buffer.allocUnsafe(1 << 17);
  for (let offset = 0; ; ) {
    const length = readFully(a, left, offset);
    if (length !== readFully(b, right, offset)) return false;
    if (length === 0) return true;
    if (!left.subarray(0, length).equals(right.subarray(0, length))) return false;
    offset += length;
  }
}

function readFully(fd: number, into: Uint8Array, offset: number): number {
  let got = 0;
  while (got < into.length) {
    const length = readSync(fd, into, got, into.length - got, offset + got);
    if (length === 0) break;
    got += length;
  }
  return got;
}

function sameXattrs(lower: number, upper: number, name: ByteText): boolean {
  const a = layerXattrs(lower, name);
  const b = layerXattrs(upper, name);
  if (a.size !== b.size) return false;
  return [...a].every(([key, value]) => {
    const other = b.get(key);
    return other !== undefined && Buffer.from(value).equals(other);
  });
}
