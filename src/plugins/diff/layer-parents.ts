import { closeSync, constants, openSync } from 'node:fs';
import { fault, invalidArgument } from '#base/errors';
import { type ByteText, byteText, fromUnicode, toDisplay } from '#lib/tar/byte-text';
import { parentOf } from '#lib/tar/paths';
import { openConfined, statAt } from '#sys/at';
import { type FileStat, isDirectory, isWhiteout } from '#sys/stat';
import type { Tree } from '#sys/tree';
import { findXattr, listXattrs } from '#sys/xattr';
import { pathText } from './path-text.ts';
import type { UntarJob } from './unpack-messages.ts';
import type { Whiteouts } from './whiteouts.ts';

/**
 * More parts than this no honest name has. Looking after parents takes time in proportion to their number, squared with their length
 * in the worst case: this keeps a hostile layer from making much of it.
 */
const maxDepth = 256;

/** Sees to it that the directory in which a member goes is there, though the layer may not mention it. */
export class LayerParents {
  readonly #tree: Tree;
  readonly #lowers: readonly string[];
  readonly #refuse: boolean;
  readonly #counted: () => void;
  /** Directories (or links to some) that are there. With a path, all on the way to it. */
  readonly #known = new Set<ByteText>();

  /** `counted` is called for every directory that is made. */
  constructor(tree: Tree, job: Pick<UntarJob, 'lowers' | 'unmentionedParents'>, counted: () => void) {
    this.#tree = tree;
    this.#lowers = job.lowers;
    this.#refuse = job.unmentionedParents === 'refuse';
    this.#counted = counted;
  }

  has(path: ByteText): boolean {
    return this.#known.has(path);
  }

  /** Notes a directory that was just made. */
  add(path: ByteText): void {
    for (let at = path; at !== '' && !this.#known.has(at); at = parentOf(at)) this.#known.add(at);
  }

  /** After something was removed or replaced that may have been a parent. */
  forget(): void {
    this.#known.clear();
  }

  /**
   * Makes the directory and those above it that are missing: as the nearest layer below has them, otherwise 0755 and root's.
   * @throws aborted where they may not be made; invalid_argument for a path of too many parts; what the file system says
   */
  ensure(path: ByteText, whiteouts: Whiteouts): void {
    if (path === '' || this.#known.has(path)) return;
    if (depthOf(path) > maxDepth) throw invalidArgument(`a path of more than ${maxDepth} parts`);
    const missing: ByteText[] = [];
    let hidden = false;
    for (let at = path; at !== '' && !this.#known.has(at); at = parentOf(at)) {
      const stat = this.#tree.find(pathText(at));
      const deleted = stat !== undefined && whiteouts.hides && isWhiteout(stat);
      if (stat !== undefined && !deleted) break;
      hidden = deleted;
      missing.push(at);
    }
    // In the place of something that the layer itself deleted, what is below has no say.
    if (this.#refuse && missing.length > 0 && !hidden) {
      throw fault('aborted', `the layer does not mention the directory ${toDisplay(missing.at(-1)!)}`);
    }
    for (const at of missing.reverse()) {
      this.#counted();
      whiteouts.beforeDirectory(at);
      this.#make(at);
      whiteouts.afterDirectory(at);
    }
    this.add(path);
  }

  #make(path: ByteText): void {
    const name = pathText(path);
    for (const lower of this.#lowers) {
      const found = findBelow(lower, name);
      if (found === 'nothing') continue;
      if (found === 'hidden') break;
      const { stat, xattrs } = found;
      const modified = { sec: stat.mtimeSec, ns: stat.mtimeNs };
      this.#tree.directory(name, { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, modified });
      for (const [key, value] of xattrs) this.#tree.xattr(name, pathText(key), value);
      return;
    }
    const ms = Date.now();
    const modified = { sec: Math.floor(ms / 1000), ns: (ms % 1000) * 1e6 };
    this.#tree.directory(name, { mode: 0o755, uid: 0, gid: 0, modified });
  }
}

interface LowerDirectory {
  readonly stat: FileStat;
  readonly xattrs: readonly (readonly [ByteText, Uint8Array])[];
}

/** `hidden`: there, but not as a directory (a file, or a whiteout), so that layers further down do not count. */
function findBelow(lower: string, path: string | Uint8Array): LowerDirectory | 'nothing' | 'hidden' {
  const root = openSync(lower, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const fd = openConfined(root, path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK);
    try {
      const stat = statAt(fd, '');
      return isDirectory(stat) ? { stat, xattrs: copiedXattrs(fd) } : 'hidden';
    } finally {
      closeSync(fd);
    }
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'nothing';
    if (code === 'ENOTDIR' || code === 'ELOOP') return 'hidden';
    throw thrown;
  } finally {
    closeSync(root);
  }
}

/** All but overlayfs's own and the administrator's. */
function copiedXattrs(fd: number): readonly (readonly [ByteText, Uint8Array])[] {
  const copied: (readonly [ByteText, Uint8Array])[] = [];
  for (const name of listXattrs(fd, '')) {
    const key = typeof name === 'string' ? fromUnicode(name) : byteText(name);
    if (key.startsWith('trusted.') || key.startsWith('user.overlay.')) continue;
    const value = findXattr(fd, '', name);
    if (value !== undefined) copied.push([key, value]);
  }
  return copied;
}

function depthOf(path: ByteText): number {
  let depth = 1;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) depth += 1;
  return depth;
}
