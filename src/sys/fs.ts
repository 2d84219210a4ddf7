import { closeSync, constants, openSync } from 'node:fs';
import { addon } from './addon.ts';

/** Bytes on disk and inodes. */
export interface DiskUsage {
  readonly size: number;
  readonly inodes: number;
}

/**
 * What a directory and all below it take: blocks, not lengths; a file with several names once. Runs on a thread of its
 * own, about 1 µs a file. With `base` (a tree that this one is a snapshot of, inode numbers kept) only what differs.
 * @throws ENOENT
 */
export async function diskUsage(path: string, base?: string): Promise<DiskUsage> {
  const [size = 0, inodes = 0] = await addon.diskUsage(path, base ?? null);
  return { size, inodes };
}

/**
 * Removes a file, or a directory with all below it, however deep; fine when there is nothing. Never leaves the tree: links
 * are removed, not followed, and at a mount inside it stops. Runs on a thread of its own. @throws EBUSY at a mount
 */
export const removeTree = (path: string): Promise<void> => addon.removeTree(path);

/**
 * Copies everything below `source` into the empty directory `target`, and gives it the source's own attributes: owners,
 * modes, times, extended attributes, hard links, devices, holes. Shares the blocks of files where the filesystem can.
 * Runs on a thread of its own. After an error the target is half full.
 */
export const copyTree = (source: string, target: string): Promise<void> => addon.copyTree(source, target);

/** Waits until everything written to the filesystem that holds `path` is on disk. May take seconds; not on the event loop. */
export async function syncFilesystem(path: string): Promise<void> {
  await withFd(path, (fd) => addon.syncfs(fd));
}

/** Waits until a file's content, or a directory's names, are on disk. */
export async function syncPath(path: string): Promise<void> {
  await withFd(path, (fd) => addon.fsync(fd));
}

// The addon works on a duplicate, so that the descriptor may be closed as soon as the call has begun.
async function withFd(path: string, begin: (fd: number) => Promise<void>): Promise<void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let begun: Promise<void>;
  try {
    begun = begin(fd);
  } finally {
    closeSync(fd);
  }
  await begun;
}

export interface FilesystemInfo {
  /** `btrfs`, `overlayfs`, … or the magic number in hexadecimal. */
  readonly type: string;
  readonly magic: number;
  readonly blockSize: number;
  readonly blocks: number;
  /** Blocks free for us (root may use the reserved ones too). */
  readonly available: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

const magics: ReadonlyMap<number, string> = new Map([
  [0x9123683e, 'btrfs'],
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlayfs'],
  [0x2fc12fc1, 'zfs'],
  [0x61756673, 'aufs'],
  [0x6969, 'nfs'],
  [0x65735546, 'fuse'],
  [0x27e0eb, 'cgroup'],
  [0x63677270, 'cgroup2'],
  [0xe0f5e1e2, 'erofs'],
  [0xf2f52010, 'f2fs'],
]);

/** What holds `path`. @throws ENOENT */
export function filesystemOf(path: string): FilesystemInfo {
  const [magic = 0, blockSize = 0, blocks = 0, , available = 0, inodes = 0, freeInodes = 0] = addon.statfs(path);
  const type = magics.get(magic) ?? `0x${magic.toString(16)}`;
  return { type, magic, blockSize, blocks, available, inodes, freeInodes };
}

const keepSize = 1;
const punch = 2;

/** Gives the blocks of a range back; it reads as zeros afterwards. @throws EOPNOTSUPP */
export const punchHole = (fd: number, offset: number, length: number): void =>
  addon.fallocate(fd, keepSize | punch, offset, length);

/** Reserves blocks without changing the file's length. @throws ENOSPC, EOPNOTSUPP */
export const reserve = (fd: number, offset: number, length: number): void =>
  addon.fallocate(fd, keepSize, offset, length);

const seekData = 3;
const seekHole = 4;

/** The parts of a file of `size` bytes that are not holes, in order. Moves the descriptor's offset. */
export function* dataExtents(
  fd: number,
  size: number,
): Generator<{ readonly offset: number; readonly length: number }> {
  for (let at = 0; at < size; ) {
    const offset = addon.seek(fd, at, seekData);
    if (offset < 0) return;
    const end = Math.min(addon.seek(fd, offset, seekHole), size);
    if (end > offset) yield { offset, length: end - offset };
    at = end;
  }
}

/** Makes the empty file `target` share all blocks of `source`. False where the filesystem cannot. */
export function reflink(target: number, source: number): boolean {
  try {
    addon.cloneFile(target, source);
    return true;
  } catch (error) {
    if (cannotClone.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
const cannotClone = new Set(['EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOTTY', 'ENOSYS']);
