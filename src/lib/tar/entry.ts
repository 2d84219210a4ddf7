import type { Timestamp } from '#base/timestamp';
import type { ByteText } from './byte-text.ts';

export type EntryType = 'file' | 'link' | 'symlink' | 'char' | 'block' | 'dir' | 'fifo';

/** One member of an archive, with everything that long names, PAX records and vendors' extensions say about it. */
export interface TarEntry {
  readonly type: EntryType;
  /** As the archive has it: perhaps absolute, with `..`, or with a slash at its end. */
  readonly name: ByteText;
  /** Target of a link or symlink; empty otherwise. */
  readonly linkName: ByteText;
  /** Permission bits with setuid, setgid and sticky; no type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName?: ByteText;
  readonly groupName?: ByteText;
  /** Of the file when it is unpacked, holes included. 0 for everything that is not a file. */
  readonly size: number;
  readonly mtime: Timestamp;
  readonly atime?: Timestamp;
  readonly major: number;
  readonly minor: number;
  readonly xattrs?: ReadonlyMap<ByteText, Uint8Array>;
  /** Where the stored bytes belong, for a sparse file: in order, without overlap. The rest, up to `size`, is holes. */
  readonly extents?: readonly Extent[];
}

export interface Extent {
  readonly offset: number;
  readonly length: number;
}
