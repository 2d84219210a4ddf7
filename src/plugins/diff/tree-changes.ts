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
  yield* directoryChanges(lower, upper, '', namesIn);
}

export type Names = ReadonlyMap<ByteText, FileStat>;

/** The changes below `path`, which both descriptors are open at. `upperNames` says what the upper directory holds. */
export function* directoryChanges(
  lower: number | undefined,
  upper: number,
  path: ByteText,
  upperNames: (dirfd: number) => Names,
): Generator<Change> {
  const before: Names = lower === undefined ? new Map() : namesIn(lower);
  const after = upperNames(upper);
  const names = [...new Set([...before.keys(), ...after.keys()])].sort(byBytes);
  for (const name of names) {
    const old = before.get(name);
    const now = after.get(name);
    const at = path === '' ? name : `${path}/${name}`;
    if (now === undefined) {
      yield { kind: 'delete', path: at, stat: old! };
      continue;
    }
    yield* ownChange(lower, old, upper, now, name, at);
    if (!isDirectory(now)) continue;
    const below = old !== undefined && isDirectory(old) ? lower : undefined;
    yield* inside(below, upper, name, (a, b) => directoryChanges(a, b, at, upperNames));
  }
}

/** How one name itself stands, without what may be in it. */
export function* ownChange(
  lower: number | undefined,
  old: FileStat | undefined,
  upper: number,
  now: FileStat,
  name: ByteText,
  path: ByteText,
): Generator<Change> {
  const same = old !== undefined && isSame(lower!, old, upper, now, name);
  const kind = old === undefined ? 'add' : same ? 'same' : 'modify';
  if (kind !== 'same' || (!isDirectory(now) && now.nlink > 1)) yield { kind, path, stat: now };
}

/** Walks the directory of that name, opened in both trees, or in the upper one alone. */
export function* inside(
  lower: number | undefined,
  upper: number,
  name: ByteText,
  walk: (lower: number | undefined, upper: number) => Generator<Change>,
): Generator<Change> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  const now = openAt(upper, pathText(name), flags);
  try {
    const old = lower === undefined ? undefined : openAt(lower, pathText(name), flags);
    try {
      yield* walk(old, now);
    } finally {
      if (old !== undefined) closeSync(old);
    }
  } finally {
    closeSync(now);
  }
}

export const byBytes = (a: ByteText, b: ByteText): number => (a < b ? -1 : 1);

/** What an open directory holds. */
export function namesIn(dirfd: number): Names {
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
