import { closeSync, ftruncateSync, writeSync } from 'node:fs';
import { classOf, Fault, fault, invalidArgument, messageOf, wrap } from '#base/errors';
import type { Timestamp } from '#base/timestamp';
import { type ByteText, toDisplay } from '#lib/tar/byte-text';
import type { TarEntry } from '#lib/tar/entry';
import { cleanPath, parentOf } from '#lib/tar/paths';
import type { TarSink } from '#lib/tar/reader';
import { chmodAt, chownAt, oPath, statAt, utimesAt } from '#sys/at';
import { isDirectory, isSymlink } from '#sys/stat';
import { finishFile, Tree } from '#sys/tree';
import { ExtentCursor } from './extent-cursor.ts';
import { LayerParents } from './layer-parents.ts';
import { pathText } from './path-text.ts';
import type { UntarJob, UntarResult } from './unpack-messages.ts';
import { openWhiteouts, type Whiteouts } from './whiteouts.ts';

/**
 * Makes files of the members of a layer, below a root that no name and no link leads out of. A later member of the same name replaces
 * an earlier one; two directories become one. Time is linear in the members and their bytes.
 */
export class LayerExtractor implements TarSink, Disposable {
  readonly #job: UntarJob;
  readonly #tree: Tree;
  readonly #parents: LayerParents;
  readonly #whiteouts: Whiteouts;
  /** Set at the end: whatever is made inside a directory changes its time. */
  readonly #directories = new Map<ByteText, Timestamp>();
  readonly #ignoredXattrs = new Set<string>();
  #entries = 0;
  #bytes = 0;
  #entry: TarEntry | undefined;
  #path: ByteText = '';
  /** Open while a file's data comes in several pieces. */
  #fd = -1;
  #stored = 0;
  #cursor: ExtentCursor | undefined;

  constructor(job: UntarJob) {
    this.#job = job;
    this.#tree = new Tree(job.root);
    this.#parents = new LayerParents(this.#tree, job, () => this.#count());
    this.#whiteouts = openWhiteouts(job.whiteouts, this.#tree, job.root);
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#tree[Symbol.dispose]();
  }

  entry(entry: TarEntry): void {
    this.#entry = undefined;
    this.#count();
    this.#bytes += entry.size;
    if (this.#bytes > this.#job.limits.maxBytes) {
      throw fault('resource_exhausted', `layer has files of more than ${this.#job.limits.maxBytes} bytes`);
    }
    const path = cleanPath(entry.name);
    // The root's own attributes belong to whoever made it.
    if (path === '') return;
    this.#path = path;
    this.#stored = 0;
    this.#cursor = entry.extents === undefined ? undefined : new ExtentCursor(entry.extents);
    this.#attempt(() => this.#begin(entry, path));
  }

  data(bytes: Uint8Array): void {
    const entry = this.#entry;
    if (entry === undefined) return;
    this.#attempt(() => {
      if (this.#fd < 0 && entry.extents === undefined && bytes.length === entry.size) {
        this.#tree.file(pathText(this.#path), attributesOf(entry), bytes);
        this.#made(entry);
      } else {
        if (this.#fd < 0) this.#fd = this.#tree.create(pathText(this.#path));
        this.#write(bytes);
      }
    });
  }

  end(): void {
    const entry = this.#entry;
    this.#entry = undefined;
    if (entry === undefined) return;
    this.#attempt(() => this.#endFile(entry));
  }

  /** @throws what the file system says */
  finish(): UntarResult {
    for (const [path, mtime] of this.#directories) {
      this.#path = path;
      this.#attempt(() => this.#setTimes(pathText(path), mtime));
    }
    return { entries: this.#entries, ignoredXattrs: [...this.#ignoredXattrs] };
  }

  /** Of what is still a directory: one above it may have been replaced. */
  #setTimes(path: string | Uint8Array, mtime: Timestamp): void {
    const there = this.#tree.find(path);
    if (there !== undefined && isDirectory(there)) this.#tree.times(path, timeOf(mtime));
  }

  #begin(entry: TarEntry, path: ByteText): void {
    this.#parents.ensure(parentOf(path), this.#whiteouts);
    if (this.#whiteouts.take(path, entry)) {
      // What it removed may have been a parent, or one of the directories to be given its time.
      this.#parents.forget();
      return;
    }
    if (entry.type === 'dir') {
      this.#whiteouts.beforeDirectory(path);
      this.#tree.directory(pathText(path), attributesOf(entry));
      this.#whiteouts.afterDirectory(path);
      this.#parents.add(path);
      this.#directories.delete(path);
      this.#directories.set(path, entry.mtime);
      this.#made(entry);
      return;
    }
    if (this.#parents.has(path)) this.#parents.forget();
    this.#directories.delete(path);
    if (entry.type === 'file') this.#entry = entry;
    else this.#makeOther(entry, path);
  }

  #makeOther(entry: TarEntry, path: ByteText): void {
    const at = attributesOf(entry);
    const name = pathText(path);
    switch (entry.type) {
      case 'symlink':
        this.#tree.symlink(name, pathText(entry.linkName), at);
        break;
      case 'link':
        this.#tree.link(name, pathText(cleanPath(entry.linkName)));
        this.#dressLinked(name, at);
        break;
      case 'char':
        this.#tree.node(name, { ...at, mode: at.mode | 0o020000 }, entry);
        break;
      case 'block':
        this.#tree.node(name, { ...at, mode: at.mode | 0o060000 }, entry);
        break;
      case 'fifo':
        this.#tree.node(name, { ...at, mode: at.mode | 0o010000 });
        break;
    }
    this.#made(entry);
  }

  /** What a link's header says holds for the file, as containerd has it; archivers repeat there what they said of the file. */
  #dressLinked(name: string | Uint8Array, at: ReturnType<typeof attributesOf>): void {
    const fd = this.#tree.open(name, oPath);
    try {
      chownAt(fd, '', at.uid, at.gid);
      if (!isSymlink(statAt(fd, ''))) chmodAt(fd, '', at.mode);
      utimesAt(fd, '', at.modified);
    } finally {
      closeSync(fd);
    }
  }

  #write(bytes: Uint8Array): void {
    if (this.#cursor !== undefined) {
      this.#cursor.place(bytes, (part, offset) => writeAll(this.#fd, part, offset));
      return;
    }
    writeAll(this.#fd, bytes, this.#stored);
    this.#stored += bytes.length;
  }

  #endFile(entry: TarEntry): void {
    // A sparse file may be all hole.
    if (this.#fd < 0 && entry.extents !== undefined) this.#fd = this.#tree.create(pathText(this.#path));
    if (this.#fd >= 0) {
      const fd = this.#fd;
      if (entry.extents !== undefined) ftruncateSync(fd, entry.size);
      this.#fd = -1;
      finishFile(fd, attributesOf(entry));
      this.#made(entry);
    } else if (entry.size === 0) {
      this.#tree.file(pathText(this.#path), attributesOf(entry), nothing);
      this.#made(entry);
    }
  }

  /** After the owner was set, because a change of owner takes capabilities away. */
  #made(entry: TarEntry): void {
    this.#whiteouts.made(this.#path, entry);
    if (entry.xattrs === undefined) return;
    for (const [name, value] of entry.xattrs) {
      if (this.#isReserved(name)) this.#ignore(name);
      else this.#setXattr(name, value);
    }
  }

  #setXattr(name: ByteText, value: Uint8Array): void {
    try {
      this.#tree.xattr(pathText(this.#path), pathText(name), value);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code !== 'EOPNOTSUPP' && code !== 'ENOTSUP') throw thrown;
      this.#ignore(name);
    }
  }

  /** A layer may not speak to the kernel as the administrator, nor to overlayfs about what is hidden. */
  #isReserved(name: ByteText): boolean {
    return name.startsWith('trusted.') || (this.#job.whiteouts === 'user' && name.startsWith('user.overlay.'));
  }

  #ignore(name: ByteText): void {
    if (this.#ignoredXattrs.size < 16) this.#ignoredXattrs.add(toDisplay(name));
  }

  #count(): void {
    this.#entries += 1;
    if (this.#entries > this.#job.limits.maxEntries) {
      throw fault('resource_exhausted', `layer has more than ${this.#job.limits.maxEntries} files`);
    }
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      throw subjected(thrown, this.#path);
    }
  }
}

const nothing = new Uint8Array(0);

/** Errors that an honest layer does not lead to: it names what is not there, or uses a file as a directory. */
const layersFault: ReadonlySet<string> = new Set([
  'ENOTDIR',
  'ELOOP',
  'EISDIR',
  'ENOENT',
  'ENAMETOOLONG',
  'EINVAL',
  'EBUSY',
]);

function subjected(thrown: unknown, path: ByteText): Error {
  if (thrown instanceof Fault && classOf(thrown) === 'resource_exhausted') return thrown;
  const subject = `layer: ${toDisplay(path)}`;
  const { code } = thrown as NodeJS.ErrnoException;
  if (code !== undefined && layersFault.has(code)) return invalidArgument(`${subject}: ${messageOf(thrown)}`, thrown);
  return wrap(thrown, subject);
}

function attributesOf(entry: TarEntry) {
  return { mode: entry.mode, uid: entry.uid, gid: entry.gid, modified: timeOf(entry.mtime) };
}

/** What 64 bits of nanoseconds hold; a time outside is the epoch, as containerd has it. */
const lastSecond = 9223372036;

function timeOf(at: Timestamp) {
  return at.seconds < 0 || at.seconds >= lastSecond ? { sec: 0, ns: 0 } : { sec: at.seconds, ns: at.nanos };
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, position + at);
  }
}
