import { Buffer } from 'node:buffer';
import { closeSync, constants, readSync } from 'node:fs';
import { fault } from '#base/errors';
import { compare, type Timestamp } from '#base/timestamp';
import { type ByteText, byteText, fromUnicode, toDisplay } from '#lib/tar/byte-text';
import type { EntryType, Extent, TarEntry } from '#lib/tar/entry';
import { baseOf, parentOf } from '#lib/tar/paths';
import { paddingOf } from '#lib/tar/reader';
import { encodeEntry, endOfArchive, storedSize, zeros } from '#lib/tar/writer';
import { openAt, openConfined, readlinkAt, statAt } from '#sys/at';
import { dataExtents } from '#sys/fs';
import type { FileStat } from '#sys/stat';
import { layerXattrs } from './layer-xattrs.ts';
import { pathText } from './path-text.ts';
import type { Change } from './tree-changes.ts';

export interface LayerWriterOptions {
  /** No time in the layer is later. */
  readonly latest: Timestamp | undefined;
  /** Receives the tar, in order; the bytes are valid only until it returns. */
  readonly take: (bytes: Uint8Array) => void;
}

/** Writes changes of a tree as an OCI layer. Every member comes after the directories that it lies in, changed or not. */
export class LayerWriter implements Disposable {
  readonly #root: number;
  readonly #options: LayerWriterOptions;
  readonly #directories = new Set<ByteText>(['']);
  /** First name under which a file of several names was written; names of it that did not change, as long as none was. */
  readonly #sources = new Map<string, ByteText>();
  readonly #unchanged = new Map<string, ByteText[]>();
  readonly #buffer = Buffer.allocUnsafe(1 << 19);
  #parent: { readonly path: ByteText; readonly fd: number } | undefined;

  /** `root`: a descriptor of the upper tree, which stays the caller's. */
  constructor(root: number, options: LayerWriterOptions) {
    this.#root = root;
    this.#options = options;
  }

  [Symbol.dispose](): void {
    if (this.#parent !== undefined) closeSync(this.#parent.fd);
    this.#parent = undefined;
  }

  /** @throws what the file system says; aborted when a file shrinks meanwhile */
  write({ kind, path, stat }: Change): void {
    if (kind === 'delete') this.#whiteout(path);
    else if (typeOf(stat) === undefined)
      return; // a socket lives only as long as its process
    else if (isDirectoryMode(stat.mode)) this.#directory(path, stat);
    else if (stat.nlink > 1) this.#shared(kind, path, stat);
    else this.#member(path, stat);
  }

  end(): void {
    this.#options.take(endOfArchive);
  }

  #whiteout(path: ByteText): void {
    this.#ensureParents(path);
    const parent = parentOf(path);
    const name = `${parent === '' ? '' : `${parent}/`}.wh.${baseOf(path)}`;
    // It has no time of its own; this one makes the layer the same whenever it is made.
    this.#emit({ ...plainEntry, type: 'file', name, mtime: { seconds: 0, nanos: 0 } });
  }

  #directory(path: ByteText, stat: FileStat): void {
    if (this.#directories.has(path)) return;
    this.#ensureParents(path);
    this.#directories.add(path);
    const xattrs = layerXattrs(this.#parentFd(path), baseOf(path));
    this.#emit({ ...this.#entryOf(path, stat), name: `${path}/`, xattrs });
  }

  #shared(kind: Change['kind'], path: ByteText, stat: FileStat): void {
    const source = this.#sources.get(stat.inode);
    if (source !== undefined) {
      this.#link(path, source, stat);
    } else if (kind === 'same') {
      const names = this.#unchanged.get(stat.inode);
      if (names === undefined) this.#unchanged.set(stat.inode, [path]);
      else names.push(path);
    } else {
      this.#member(path, stat);
      this.#sources.set(stat.inode, path);
      // The file gets a new inode where the layer is applied: its other names must move with it.
      for (const other of this.#unchanged.get(stat.inode) ?? []) this.#link(other, path, stat);
      this.#unchanged.delete(stat.inode);
    }
  }

  #link(path: ByteText, source: ByteText, stat: FileStat): void {
    this.#ensureParents(path);
    this.#emit({ ...this.#entryOf(path, stat), type: 'link', linkName: source, size: 0 });
  }

  #member(path: ByteText, stat: FileStat): void {
    this.#ensureParents(path);
    const dirfd = this.#parentFd(path);
    const base = pathText(baseOf(path));
    const xattrs = layerXattrs(dirfd, baseOf(path));
    const entry = { ...this.#entryOf(path, stat), ...(xattrs.size > 0 && { xattrs }) };
    if (entry.type === 'file') this.#file(entry, dirfd, base);
    else if (entry.type === 'symlink') this.#emit({ ...entry, linkName: nameText(readlinkAt(dirfd, base)) });
    else this.#emit(entry);
  }

  #file(entry: TarEntry, dirfd: number, base: string | Uint8Array): void {
    const fd = openAt(dirfd, base, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      // The size of now: it may have grown since the walk.
      const stat = statAt(fd, '');
      const extents = sparseExtents(fd, stat);
      const whole = { ...entry, size: stat.size, ...(extents !== undefined && { extents }) };
      this.#emit(whole);
      for (const extent of extents ?? [{ offset: 0, length: stat.size }]) this.#copy(fd, extent, entry.name);
      this.#take(zeros(paddingOf(storedSize(whole))));
    } finally {
      closeSync(fd);
    }
  }

  #copy(fd: number, { offset, length }: Extent, name: ByteText): void {
    for (let done = 0; done < length; ) {
      const got = readSync(fd, this.#buffer, 0, Math.min(this.#buffer.length, length - done), offset + done);
      if (got === 0) throw fault('aborted', `${toDisplay(name)} became shorter while it was read`);
      this.#take(this.#buffer.subarray(0, got));
      done += got;
    }
  }

  #ensureParents(path: ByteText): void {
    const parent = parentOf(path);
    if (this.#directories.has(parent)) return;
    this.#directory(parent, statAt(this.#parentFd(parent), pathText(baseOf(parent))));
  }

  /** Of the directory that holds `path`, kept for the next one in it. */
  #parentFd(path: ByteText): number {
    const parent = parentOf(path);
    if (parent === '') return this.#root;
    if (this.#parent?.path === parent) return this.#parent.fd;
    this[Symbol.dispose]();
    const fd = openConfined(this.#root, pathText(parent), constants.O_RDONLY | constants.O_DIRECTORY);
    this.#parent = { path: parent, fd };
    return fd;
  }

  #entryOf(path: ByteText, stat: FileStat): TarEntry {
    const mtime = { seconds: stat.mtimeSec, nanos: stat.mtimeNs };
    const { latest } = this.#options;
    return {
      ...plainEntry,
      type: typeOf(stat)!,
      name: path,
      mode: stat.mode & 0o7777,
      uid: stat.uid,
      gid: stat.gid,
      mtime: latest !== undefined && compare(mtime, latest) > 0 ? latest : mtime,
      major: stat.rdevMajor,
      minor: stat.rdevMinor,
    };
  }

  #emit(entry: TarEntry): void {
    this.#take(encodeEntry(entry));
  }

  #take(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#options.take(bytes);
  }
}

const plainEntry = { linkName: '', mode: 0, uid: 0, gid: 0, size: 0, major: 0, minor: 0 } as const;

const types: ReadonlyMap<number, EntryType> = new Map([
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'dir'],
  [constants.S_IFLNK, 'symlink'],
  [constants.S_IFCHR, 'char'],
  [constants.S_IFBLK, 'block'],
  [constants.S_IFIFO, 'fifo'],
]);

const typeOf = (stat: FileStat): EntryType | undefined => types.get(stat.mode & constants.S_IFMT);
const isDirectoryMode = (mode: number): boolean => (mode & constants.S_IFMT) === constants.S_IFDIR;

/** Below this the zeros of a hole compress well enough, and the plain form is read by everything. */
const worthwhileHole = 1 << 20;
const maxExtents = 1 << 14;

function sparseExtents(fd: number, stat: FileStat): readonly Extent[] | undefined {
  if (stat.size - stat.blocks * 512 < worthwhileHole) return undefined;
  const extents = [...dataExtents(fd, stat.size)];
  return extents.length > maxExtents ? undefined : extents;
}

const nameText = (name: string | Uint8Array): ByteText =>
  typeof name === 'string' ? fromUnicode(name) : byteText(name);
