import { constants } from 'node:fs';
import type { RawStat } from './addon.ts';

/** What lstat(2) says, with nothing rounded. */
export interface FileStat {
  /** Type and permission bits. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly mtimeSec: number;
  readonly mtimeNs: number;
  readonly ctimeSec: number;
  readonly ctimeNs: number;
  /** Device and inode number as one text: what is the same file has the same. */
  readonly inode: string;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
}

/** How many numbers one file takes in a `RawStat`. */
export const statLength = 16;

/** Names the numbers of the `index`th file in what the addon returned. */
export function statOf(raw: RawStat, index = 0): FileStat {
  const at = (field: number): number => raw[index * statLength + field] ?? 0;
  return {
    mode: at(0),
    nlink: at(1),
    uid: at(2),
    gid: at(3),
    size: at(4),
    blocks: at(5),
    mtimeSec: at(6),
    mtimeNs: at(7),
    ctimeSec: at(8),
    ctimeNs: at(9),
    inode: `${at(10)}:${at(11)}:${at(12)}:${at(13)}`,
    rdevMajor: at(14),
    rdevMinor: at(15),
  };
}

const kind = (stat: { readonly mode: number }): number => stat.mode & constants.S_IFMT;
export const isDirectory = (stat: FileStat): boolean => kind(stat) === constants.S_IFDIR;
export const isRegular = (stat: FileStat): boolean => kind(stat) === constants.S_IFREG;
export const isSymlink = (stat: FileStat): boolean => kind(stat) === constants.S_IFLNK;
/** A character device 0:0: how overlayfs marks a name as deleted. */
export const isWhiteout = (stat: FileStat): boolean =>
  kind(stat) === constants.S_IFCHR && stat.rdevMajor === 0 && stat.rdevMinor === 0;
