/**
 * The Node-API addon's functions as they are: one per system call or atomic sequence, made by `make -C native/addon`.
 * Only files of src/sys import this; everybody else uses their typed faces. Every function throws an Error with
 * `code`, `errno`, `syscall` and `path`, as Node's own do. Worker threads may load it too.
 */

/** A path, name or link target: bytes where it is not UTF-8. */
export type PathText = string | Uint8Array;

/** Sixteen numbers; `FileStat` in stat.ts names them. */
export type RawStat = Float64Array;

declare const treeBrand: unique symbol;
/** A tree that is written from outside: see tree.ts. */
export interface RawTree {
  readonly [treeBrand]: true;
}

interface Addon {
  mount(
    source: string | null,
    target: string,
    type: string | null,
    flags: number,
    data: string | null,
    cwd?: number,
  ): void;
  umount(target: string, flags: number): Promise<void>;
  umountSync(target: string, flags: number): void;

  loopAttach(file: number, path: string, flags: number): Float64Array;
  loopAutoclear(device: number, on: number): void;
  loopStatus(device: number): Float64Array;

  openAt(dirfd: number, path: PathText, flags: number, mode: number, resolve: number): number;
  mkdirAt(dirfd: number, path: PathText, mode: number): void;
  mknodAt(dirfd: number, path: PathText, mode: number, major: number, minor: number): void;
  symlinkAt(target: PathText, dirfd: number, path: PathText): void;
  linkAt(fromFd: number, from: PathText, toFd: number, to: PathText, flags: number): void;
  unlinkAt(dirfd: number, path: PathText, flags: number): void;
  renameAt(fromFd: number, from: PathText, toFd: number, to: PathText, flags: number): void;
  chownAt(dirfd: number, path: PathText, uid: number, gid: number): void;
  chmodAt(dirfd: number, path: PathText, mode: number): void;
  utimesAt(dirfd: number, path: PathText, aSec: number, aNs: number, mSec: number, mNs: number): void;
  readlinkAt(dirfd: number, path: PathText): PathText;
  statAt(dirfd: number, path: PathText): RawStat;
  listDirectory(dirfd: number): { readonly names: readonly PathText[]; readonly stats: Float64Array };

  listXattrs(dirfd: number, path: PathText): readonly PathText[];
  getXattr(dirfd: number, path: PathText, name: PathText): Uint8Array | null;
  setXattr(dirfd: number, path: PathText, name: PathText, value: Uint8Array): void;
  removeXattr(dirfd: number, path: PathText, name: PathText): void;

  fallocate(fd: number, mode: number, offset: number, length: number): void;
  seek(fd: number, offset: number, whence: number): number;
  cloneFile(target: number, source: number): void;
  copyRange(source: number, target: number, length: number): number;
  sealedCopy(fd: number): number;
  syncfs(fd: number): Promise<void>;
  fsync(fd: number): Promise<void>;
  flock(fd: number, operation: number): boolean;
  statfs(path: string): Float64Array;
  mkfifo(path: string, mode: number): void;
  readableBytes(fd: number): number;

  diskUsage(path: string, base?: string | null): Promise<Float64Array>;
  removeTree(path: string): Promise<void>;
  copyTree(source: string, target: string): Promise<void>;

  openTree(root: string): RawTree;
  closeTree(tree: RawTree): void;
  treeFile(
    tree: RawTree,
    path: PathText,
    mode: number,
    uid: number,
    gid: number,
    sec: number,
    ns: number,
    data: Uint8Array | null,
  ): number | undefined;
  finishFile(fd: number, mode: number, uid: number, gid: number, sec: number, ns: number): void;
  treeDirectory(tree: RawTree, path: PathText, mode: number, uid: number, gid: number, sec: number, ns: number): void;
  treeSymlink(tree: RawTree, target: PathText, path: PathText, uid: number, gid: number, sec: number, ns: number): void;
  treeLink(tree: RawTree, target: PathText, path: PathText): void;
  treeNode(
    tree: RawTree,
    path: PathText,
    mode: number,
    major: number,
    minor: number,
    uid: number,
    gid: number,
    sec: number,
    ns: number,
  ): void;
  treeRemove(tree: RawTree, path: PathText): boolean;
  treeTimes(tree: RawTree, path: PathText, sec: number, ns: number): void;
  treeXattr(tree: RawTree, path: PathText, name: PathText, value: Uint8Array): void;
  treeOpen(tree: RawTree, path: PathText, flags: number): number;
  treeStat(tree: RawTree, path: PathText): RawStat | null;

  releaseCode(): void;
  setSubreaper(on: number): void;
  pidfdOpen(pid: number): number;
  pidfdSignal(fd: number, signal: number): void;
  waitPid(pid: number): Float64Array;
  watch(fd: number, events: number, referenced: number): { readonly promise: Promise<number>; readonly number: number };
  unwatch(number: number): void;

  makeNetworkNamespace(path: string): Promise<void>;
  netlink(path: string | null, messages: Uint8Array, count: number): Promise<Float64Array>;
  bindPort(protocol: number, address: string, port: number): number;
  peerCredentials(fd: number): Float64Array;
  sendDatagram(path: string, message: string): void;

  getTerminal(fd: number): Uint8Array;
  setTerminal(fd: number, state: Uint8Array): void;
  makeRaw(fd: number): void;
  getTerminalSize(fd: number): Float64Array;
  setTerminalSize(fd: number, columns: number, rows: number): void;
  openTerminal(): { readonly master: number; readonly path: string };

  createSubvolume(directory: string, name: string): void;
  snapshotSubvolume(source: string, directory: string, name: string, readonly: number): void;
  deleteSubvolume(directory: string, name: string): Promise<void>;
  isSubvolume(path: string): boolean;
  subvolumeId(path: string): number;
  setSubvolumeReadonly(path: string, readonly: number): void;
}

// Exactly this form, a require() with a literal: `bun build --compile` embeds the file only then (an import of a .node is
// refused when run from source, createRequire() is not seen by the bundler).
export const addon: Addon = require('../../build/addon/berth.node');
