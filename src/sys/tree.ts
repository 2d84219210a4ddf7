import { constants } from 'node:fs';
import { addon, type PathText, type RawTree } from './addon.ts';
import type { FileTime } from './at.ts';
import { type FileStat, statOf } from './stat.ts';

export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  /** Given to the access time too. */
  readonly modified: FileTime;
}

export interface Attributes extends Ownership {
  /** Permission bits, set-id and sticky included; other bits are ignored except by `node`. */
  readonly mode: number;
}

/**
 * A directory tree that is filled by paths from outside, as from a tar archive.
 *
 * Every path is resolved as in a chroot at the root: links on the way stay inside, `..` stops at the root, magic links
 * are refused; the last component is never followed. What is in the way is removed first, with all below it (a directory
 * stays when a directory is made). Missing parents are made: 0755, owned by root. `..` as last component throws EINVAL.
 * Synchronous, for use in worker threads; one thread at a time. A small file takes about ten microseconds on tmpfs.
 * Directories keep their times only if `times` is called after everything below them was written.
 */
export class Tree implements Disposable {
  readonly #tree: RawTree;

  /** @throws ENOENT, ENOTDIR */
  constructor(root: string) {
    this.#tree = addon.openTree(root);
  }

  [Symbol.dispose](): void {
    addon.closeTree(this.#tree);
  }

  /** A whole file in one call. */
  file(path: PathText, at: Attributes, data: Uint8Array): void {
    const { modified } = at;
    addon.treeFile(this.#tree, path, at.mode, at.uid, at.gid, modified.sec, modified.ns, data);
  }

  /** An empty file (0600) open for writing; the caller ends it with `finishFile`, or closes the descriptor after an error. */
  create(path: PathText): number {
    const fd = addon.treeFile(this.#tree, path, 0, 0, 0, 0, 0, null);
    return fd as number;
  }

  /** Makes it, or keeps one that is there, and sets its attributes. An empty path (or `.`, `/`) is the root. */
  directory(path: PathText, at: Attributes): void {
    addon.treeDirectory(this.#tree, path, at.mode, at.uid, at.gid, at.modified.sec, at.modified.ns);
  }

  symlink(path: PathText, target: PathText, at: Ownership): void {
    addon.treeSymlink(this.#tree, target, path, at.uid, at.gid, at.modified.sec, at.modified.ns);
  }

  /** A second name for `target`, which is a path of this tree; a link that is the target gets the name itself. */
  link(path: PathText, target: PathText): void {
    addon.treeLink(this.#tree, target, path);
  }

  /** A device, fifo or socket; here the mode carries the type. */
  node(path: PathText, at: Attributes, device = { major: 0, minor: 0 }): void {
    const { modified } = at;
    addon.treeNode(this.#tree, path, at.mode, device.major, device.minor, at.uid, at.gid, modified.sec, modified.ns);
  }

  /** Marks the name as deleted, as overlayfs reads it: a character device 0:0. */
  whiteout(path: PathText): void {
    addon.treeNode(this.#tree, path, constants.S_IFCHR, 0, 0, 0, 0, 0, 0);
  }

  /** Hides what layers below have in this directory, as overlayfs reads it. */
  opaque(path: PathText, namespace: 'trusted' | 'user' = 'trusted'): void {
    addon.treeXattr(this.#tree, path, `${namespace}.overlay.opaque`, yes);
  }

  /** With all below it; false when there was nothing. Throws EBUSY at a mount inside, and for the root itself. */
  remove(path: PathText): boolean {
    return addon.treeRemove(this.#tree, path);
  }

  times(path: PathText, modified: FileTime): void {
    addon.treeTimes(this.#tree, path, modified.sec, modified.ns);
  }

  /** Set capabilities after the owner: a change of owner removes them. */
  xattr(path: PathText, name: PathText, value: Uint8Array): void {
    addon.treeXattr(this.#tree, path, name, value);
  }

  /** Opens what is there (`flags` of open(2), never creating, never through a link); the caller closes it. */
  open(path: PathText, flags: number): number {
    return addon.treeOpen(this.#tree, path, flags);
  }

  /** `undefined` when nothing is there. */
  find(path: PathText): FileStat | undefined {
    const raw = addon.treeStat(this.#tree, path);
    return raw === null ? undefined : statOf(raw);
  }
}

/** Sets owner, mode and times of a file that `Tree.create` opened, and closes it in every case. */
export function finishFile(fd: number, at: Attributes): void {
  addon.finishFile(fd, at.mode, at.uid, at.gid, at.modified.sec, at.modified.ns);
}

const yes = new TextEncoder().encode('y');
