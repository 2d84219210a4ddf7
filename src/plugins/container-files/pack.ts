import { Buffer } from 'node:buffer';
import { closeSync, constants, readSync } from 'node:fs';
import { setTimeout as later } from 'node:timers/promises';
import { fault } from '#base/errors';
import { type ByteText, byteText, fromUnicode } from '#lib/tar/byte-text';
import type { EntryType, TarEntry } from '#lib/tar/entry';
import { paddingOf } from '#lib/tar/reader';
import { encodeEntry, endOfArchive, zeros } from '#lib/tar/writer';
import { listAt, oPath, openConfined, placeConfined, readlinkAt, statAt } from '#sys/at';
import { filesystemOf } from '#sys/fs';
import { type FileStat, isDirectory } from '#sys/stat';
import { openFile } from './open-file.ts';

const pieceBytes = 256 * 1024;
const maxDepth = 512;

/** Filesystems of the kernel's own making: proc, sys, cgroup, cgroup2, devpts, mqueue, debugfs, tracefs, bpf, securityfs, configfs. */
const madeUp: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x19800202, 0x64626720, 0x74726163, 0xcafe4a11, 0x73636673,
  0x62656570,
]);

const types: Readonly<Record<number, EntryType>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'dir',
  [constants.S_IFLNK]: 'symlink',
  [constants.S_IFCHR]: 'char',
  [constants.S_IFBLK]: 'block',
  [constants.S_IFIFO]: 'fifo',
};

interface Place {
  /** Below the root, without a slash in front; `.` for the root. */
  readonly path: ByteText;
  /** In the archive. */
  readonly name: ByteText;
  readonly stat: FileStat;
}

/** A file or a directory below `root` as an archive. Nothing is followed out of the root; links are archived as links. @throws not_found */
export async function* packPath(
  root: number,
  path: string,
  { noWalk = false, signal }: { readonly noWalk?: boolean; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const start = fromUnicode(path === '' ? '.' : path);
  const name = start.slice(start.lastIndexOf('/') + 1);
  const first = { path: start, name, stat: statConfined(root, start) };
  // The last one first: a directory's members go on top in its place.
  const waiting: Place[] = [first];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    signal.throwIfAborted();
    yield* member(root, next);
    if (!isDirectory(next.stat) || noWalk) continue;
    if (next.path.split('/').length > maxDepth)
      throw fault('resource_exhausted', `more than ${maxDepth} directories in one another`);
    const below = membersOf(root, next, first.stat);
    for (const each of below.reverse()) waiting.push(each);
    await later(0); // a listing holds everybody up for a moment: others first
  }
  yield endOfArchive;
}

/** Gone or changed since it was seen: as if it had not been there. */
function membersOf(root: number, directory: Place, first: FileStat): Place[] {
  let fd: number;
  try {
    fd = openConfined(root, bytesOf(directory.path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
  try {
    if (deviceOf(directory.stat) !== deviceOf(first) && madeUp.has(filesystemOf(`/proc/self/fd/${fd}`).magic))
      return [];
    return listAt(fd)
      .map(({ name, stat }) => {
        const text = typeof name === 'string' ? fromUnicode(name) : byteText(name);
        const join = (above: ByteText) => (above === '.' ? text : `${above}/${text}`);
        return { path: join(directory.path), name: join(directory.name), stat };
      })
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  } finally {
    closeSync(fd);
  }
}

function* member(root: number, place: Place): Generator<Uint8Array, void, undefined> {
  const { path, name, stat } = place;
  const type = types[stat.mode & constants.S_IFMT];
  if (type === undefined) return; // a socket lives only as long as its process
  const entry: TarEntry = {
    type,
    name: type === 'dir' ? `${name}/` : name,
    linkName: '',
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    size: 0,
    mtime: { seconds: stat.mtimeSec, nanos: stat.mtimeNs },
    major: type === 'char' || type === 'block' ? stat.rdevMajor : 0,
    minor: type === 'char' || type === 'block' ? stat.rdevMinor : 0,
  };
  if (type === 'file') yield* fileMember(root, path, entry);
  else if (type === 'symlink') {
    const target = readlinkConfined(root, path);
    if (target !== undefined) yield encodeEntry({ ...entry, linkName: target });
  } else yield encodeEntry(entry);
}

function* fileMember(root: number, path: ByteText, entry: TarEntry): Generator<Uint8Array, void, undefined> {
  let fd: number | undefined;
  try {
    fd = openFile(root, bytesOf(path), constants.O_RDONLY);
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
  if (fd === undefined) return; // another one took its place
  try {
    const stat = statAt(fd, '');
    yield encodeEntry({ ...entry, size: stat.size });
    for (let done = 0; done < stat.size; ) {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, stat.size - done));
      const got = readSync(fd, piece, 0, piece.length, done);
      if (got === 0) throw fault('aborted', `${path} became shorter while it was read`);
      yield piece.subarray(0, got);
      done += got;
    }
    const padding = paddingOf(stat.size);
    if (padding > 0) yield zeros(padding);
  } finally {
    closeSync(fd);
  }
}

function statConfined(root: number, path: ByteText): FileStat {
  const fd = openConfined(root, bytesOf(path), oPath | constants.O_NOFOLLOW);
  try {
    return statAt(fd, '');
  } finally {
    closeSync(fd);
  }
}

function readlinkConfined(root: number, path: ByteText): ByteText | undefined {
  const slash = path.lastIndexOf('/');
  const parent = slash < 0 ? '.' : path.slice(0, slash);
  try {
    const fd = placeConfined(root, bytesOf(parent));
    try {
      const target = readlinkAt(fd, bytesOf(path.slice(slash + 1)));
      return typeof target === 'string' ? fromUnicode(target) : byteText(target);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

const bytesOf = (path: ByteText): Uint8Array => Buffer.from(path, 'latin1');
const deviceOf = ({ inode }: FileStat): string => inode.split(':').slice(0, 2).join(':');
const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '');
