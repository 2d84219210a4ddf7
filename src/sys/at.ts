import { constants } from 'node:fs';
import { addon, type PathText } from './addon.ts';
import { type FileStat, statOf } from './stat.ts';

/**
 * File calls relative to an open directory. None of them follows a link in the last component; those with `confined` in
 * their name treat the directory as the root of everything, as in a chroot. An empty path means the descriptor itself
 * where that makes sense (chown, chmod, utimes, stat). All are synchronous, a few microseconds each, and throw errno errors.
 */

/** The process's working directory, where a directory descriptor is asked for. */
export const cwd = -100;

const noMagicLinks = 0x02;
const inRoot = 0x10;
const emptyPath = 0x1000;
const removeDirectory = 0x200;
const noReplace = 1;
const exchange = 2;
/** Names a place without opening it: open(2)'s O_PATH, which node:fs does not have. */
export const oPath = 0o10000000;

/** Opens below `dirfd` as if that were the root: links on the way stay inside, magic links are refused. The caller closes it. */
export function openConfined(dirfd: number, path: PathText, flags: number, mode = 0): number {
  return addon.openAt(dirfd, path, flags, mode, inRoot | noMagicLinks);
}

/** A descriptor that only names the place (O_PATH), resolved as in `openConfined`. */
export const placeConfined = (dirfd: number, path: PathText): number => openConfined(dirfd, path, oPath);

/** A descriptor that only names the place; the last component is not followed. */
export const placeAt = (dirfd: number, path: PathText): number =>
  addon.openAt(dirfd, path, oPath | constants.O_NOFOLLOW, 0, 0);

/** Opens (dirfd, path); the caller closes it. */
export const openAt = (dirfd: number, path: PathText, flags: number, mode = 0): number =>
  addon.openAt(dirfd, path, flags | constants.O_NOFOLLOW, mode, 0);

export const mkdirAt = (dirfd: number, path: PathText, mode: number): void => addon.mkdirAt(dirfd, path, mode);

/** The mode carries the type (S_IFCHR, S_IFIFO, …). The umask applies. */
export function mknodAt(dirfd: number, path: PathText, mode: number, device = { major: 0, minor: 0 }): void {
  addon.mknodAt(dirfd, path, mode, device.major, device.minor);
}

export const symlinkAt = (target: PathText, dirfd: number, path: PathText): void =>
  addon.symlinkAt(target, dirfd, path);

/** A second name for what (fromFd, from) is; with an empty `from`, for what the descriptor is. */
export function linkAt(fromFd: number, from: PathText, toFd: number, to: PathText): void {
  addon.linkAt(fromFd, from, toFd, to, from.length === 0 ? emptyPath : 0);
}

export const unlinkAt = (dirfd: number, path: PathText): void => addon.unlinkAt(dirfd, path, 0);
export const rmdirAt = (dirfd: number, path: PathText): void => addon.unlinkAt(dirfd, path, removeDirectory);

/** `keep` refuses to replace (EEXIST), `exchange` swaps the two. */
export function renameAt(
  fromFd: number,
  from: PathText,
  toFd: number,
  to: PathText,
  how: 'replace' | 'keep' | 'exchange' = 'replace',
): void {
  addon.renameAt(fromFd, from, toFd, to, how === 'keep' ? noReplace : how === 'exchange' ? exchange : 0);
}

export const chownAt = (dirfd: number, path: PathText, uid: number, gid: number): void =>
  addon.chownAt(dirfd, path, uid, gid);

/** A link's own mode cannot be changed: EOPNOTSUPP. */
export const chmodAt = (dirfd: number, path: PathText, mode: number): void => addon.chmodAt(dirfd, path, mode);

export interface FileTime {
  readonly sec: number;
  readonly ns: number;
}

export function utimesAt(dirfd: number, path: PathText, modified: FileTime, accessed: FileTime = modified): void {
  addon.utimesAt(dirfd, path, accessed.sec, accessed.ns, modified.sec, modified.ns);
}

export const readlinkAt = (dirfd: number, path: PathText): PathText => addon.readlinkAt(dirfd, path);

export const statAt = (dirfd: number, path: PathText): FileStat => statOf(addon.statAt(dirfd, path));

export interface Entry {
  readonly name: PathText;
  readonly stat: FileStat;
}

/** Everything in an open directory except `.` and `..`, in the filesystem's order, with what lstat says: one native call. */
export function listAt(dirfd: number): Entry[] {
  const { names, stats } = addon.listDirectory(dirfd);
  return names.map((name, index) => ({ name, stat: statOf(stats, index) }));
}
