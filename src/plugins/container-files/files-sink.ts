import { closeSync, ftruncateSync } from 'node:fs';
import { wrap } from '#base/errors';
import { type ByteText, toBytes, toDisplay } from '#lib/tar/byte-text';
import type { TarEntry } from '#lib/tar/entry';
import { cleanPath } from '#lib/tar/paths';
import type { TarSink } from '#lib/tar/reader';
import { type Attributes, finishFile, Tree } from '#sys/tree';
import { writeAll } from './write-all.ts';

const nodeTypes = { char: 0o020000, block: 0o060000, fifo: 0o010000 } as const;

/** Makes files of an archive's members below a directory that no name and no link leads out of; names mean themselves, `.wh.` too. */
export class FilesSink implements TarSink, Disposable {
  readonly #tree: Tree;
  readonly #preserveOwnership: boolean;
  /** Set at the end: whatever is made in a directory changes its time. */
  readonly #directories = new Map<ByteText, Attributes['modified']>();
  #path: ByteText = '';
  #file: { readonly fd: number; readonly entry: TarEntry; stored: number; extent: number } | undefined;

  /** @throws ENOENT, ENOTDIR */
  constructor(directory: string, preserveOwnership: boolean) {
    this.#tree = new Tree(directory);
    this.#preserveOwnership = preserveOwnership;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#tree[Symbol.dispose]();
  }

  entry(entry: TarEntry): void {
    this.#path = cleanPath(entry.name);
    if (this.#path === '') return; // the directory itself is whose it was
    this.#attempt(() => this.#make(entry, toBytes(this.#path)));
  }

  data(bytes: Uint8Array): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#attempt(() => place(file, bytes));
  }

  end(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    this.#attempt(() => {
      if (file.entry.extents !== undefined) ftruncateSync(file.fd, file.entry.size);
      finishFile(file.fd, this.#attributes(file.entry));
    });
  }

  /** After the last member. */
  finish(): void {
    for (const [path, modified] of this.#directories) {
      this.#path = path;
      this.#attempt(() => {
        if (this.#tree.find(toBytes(path)) !== undefined) this.#tree.times(toBytes(path), modified);
      });
    }
  }

  #make(entry: TarEntry, path: Uint8Array): void {
    const at = this.#attributes(entry);
    switch (entry.type) {
      case 'file':
        this.#file = { fd: this.#tree.create(path), entry, stored: 0, extent: 0 };
        return;
      case 'dir':
        this.#tree.directory(path, at);
        this.#directories.set(this.#path, at.modified);
        return;
      case 'symlink':
        this.#tree.symlink(path, toBytes(entry.linkName), at);
        return;
      case 'link':
        this.#tree.link(path, toBytes(cleanPath(entry.linkName)));
        return;
      default:
        this.#tree.node(path, { ...at, mode: at.mode | nodeTypes[entry.type] }, entry);
    }
  }

  #attributes({ mode, uid, gid, mtime }: TarEntry): Attributes {
    const owner = this.#preserveOwnership ? { uid, gid } : { uid: 0, gid: 0 };
    return { mode, ...owner, modified: { sec: Math.max(mtime.seconds, 0), ns: mtime.nanos } };
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      throw wrap(thrown, toDisplay(this.#path));
    }
  }
}

/** Puts stored bytes where they belong: one after the other, or into the extents of a sparse file. */
function place(
  file: { readonly fd: number; readonly entry: TarEntry; stored: number; extent: number },
  bytes: Uint8Array,
): void {
  const extents = file.entry.extents ?? [{ offset: 0, length: file.entry.size }];
  for (let at = 0; at < bytes.length; ) {
    const extent = extents[file.extent];
    if (extent === undefined) return;
    const part = bytes.subarray(at, at + extent.length - file.stored);
    writeAll(file.fd, part, extent.offset + file.stored);
    at += part.length;
    file.stored += part.length;
    if (file.stored < extent.length) continue;
    file.extent++;
    file.stored = 0;
  }
}
