import { closeSync, constants, readdirSync } from 'node:fs';
import { invalidArgument } from '#base/errors';
import { type ByteText, byteText, fromUnicode, toDisplay } from '#lib/tar/byte-text';
import type { TarEntry } from '#lib/tar/entry';
import { baseOf, parentOf } from '#lib/tar/paths';
import { listAt } from '#sys/at';
import { type FileStat, isDirectory, isWhiteout } from '#sys/stat';
import type { Tree } from '#sys/tree';
import { pathText } from './path-text.ts';
import type { WhiteoutForm } from './unpack-messages.ts';

/**
 * What a layer says about deletions: `.wh.<name>` hides a name of the layers below, `.wh..wh..opq` everything they have in a directory.
 * Neither touches what the layer itself brings, in whichever order the members come.
 */
export interface Whiteouts {
  /** Whether deletions are kept, as character devices 0:0. */
  readonly hides: boolean;
  /** Deals with a member that is a whiteout; false when it is none. @throws invalid_argument for one that names nothing */
  take(path: ByteText, entry: TarEntry): boolean;
  /** Around the making of a directory: one in the place of a whiteout must go on hiding what is below. */
  beforeDirectory(path: ByteText): void;
  afterDirectory(path: ByteText): void;
  /** Notes something that the layer brought. */
  made(path: ByteText, entry: Pick<TarEntry, 'type'>): void;
}

export function openWhiteouts(form: WhiteoutForm, tree: Tree, root: string): Whiteouts {
  if (form !== 'remove') return new KeptWhiteouts(tree, form);
  return readdirSync(root).length === 0 ? new IdleWhiteouts() : new RemovingWhiteouts(tree);
}

/** `undefined` for no whiteout, 'opaque', 'other' for AUFS's private files, or the path that is deleted. */
function parseWhiteout(path: ByteText): 'opaque' | 'other' | { readonly deleted: ByteText } | undefined {
  const base = baseOf(path);
  if (!base.startsWith('.wh.')) return undefined;
  if (base === '.wh..wh..opq') return 'opaque';
  if (base.startsWith('.wh..wh.')) return 'other';
  const name = base.slice(4);
  if (name === '' || name === '.' || name === '..')
    throw invalidArgument(`whiteout of ${JSON.stringify(toDisplay(name))}`);
  const parent = parentOf(path);
  return { deleted: parent === '' ? name : `${parent}/${name}` };
}

/** For an overlay's upper directory. */
class KeptWhiteouts implements Whiteouts {
  readonly hides = true;
  readonly #tree: Tree;
  readonly #namespace: 'trusted' | 'user';
  #kept = 0;
  #replacing = false;

  constructor(tree: Tree, namespace: 'trusted' | 'user') {
    this.#tree = tree;
    this.#namespace = namespace;
  }

  take(path: ByteText, entry: TarEntry): boolean {
    const what = parseWhiteout(path);
    if (what === undefined) return false;
    if (what === 'opaque') this.#tree.opaque(pathText(parentOf(path)), this.#namespace);
    else if (what !== 'other') this.#hide(what.deleted, entry);
    return true;
  }

  beforeDirectory(path: ByteText): void {
    const there = this.#kept > 0 ? this.#tree.find(pathText(path)) : undefined;
    this.#replacing = there !== undefined && isWhiteout(there);
  }

  afterDirectory(path: ByteText): void {
    if (this.#replacing) this.#tree.opaque(pathText(path), this.#namespace);
    this.#replacing = false;
  }

  made(): void {}

  #hide(path: ByteText, { uid, gid }: TarEntry): void {
    const there = this.#tree.find(pathText(path));
    if (there === undefined) {
      this.#tree.node(pathText(path), { mode: constants.S_IFCHR, uid, gid, modified: { sec: 0, ns: 0 } });
      this.#kept += 1;
    } else if (isDirectory(there)) {
      this.#tree.opaque(pathText(path), this.#namespace);
    }
  }
}

/** For an empty directory: there is nothing to delete. */
class IdleWhiteouts implements Whiteouts {
  readonly hides = false;
  take(path: ByteText): boolean {
    return parseWhiteout(path) !== undefined;
  }
  beforeDirectory(): void {}
  afterDirectory(): void {}
  made(): void {}
}

/** For a tree that holds what the layers below brought: what is hidden is removed. */
class RemovingWhiteouts implements Whiteouts {
  readonly hides = false;
  readonly #tree: Tree;
  /** What the layer brought, by inode; and names that it gave to files which may be older than the layer. */
  readonly #inodes = new Set<string>();
  readonly #links = new Set<ByteText>();
  /** Directories in which nothing of the layers below is left: each is looked through once. */
  readonly #cleared = new Set<string>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  take(path: ByteText): boolean {
    const what = parseWhiteout(path);
    if (what === undefined) return false;
    if (what === 'opaque') this.#clear(parentOf(path));
    else if (what !== 'other') this.#delete(what.deleted);
    return true;
  }

  beforeDirectory(): void {}

  afterDirectory(path: ByteText): void {
    this.made(path, { type: 'dir' });
  }

  made(path: ByteText, entry: Pick<TarEntry, 'type'>): void {
    if (entry.type === 'link') {
      this.#links.add(path);
      return;
    }
    const there = this.#tree.find(pathText(path));
    if (there !== undefined) this.#inodes.add(there.inode);
  }

  #delete(path: ByteText): void {
    const there = this.#tree.find(pathText(path));
    if (there === undefined) return;
    if (!this.#isOwn(path, there)) this.#tree.remove(pathText(path));
    else if (isDirectory(there)) this.#clear(path);
  }

  #clear(top: ByteText): void {
    const todo: ByteText[] = [top];
    for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
      const there = this.#tree.find(pathText(path));
      if (there === undefined || this.#cleared.has(there.inode)) continue;
      this.#cleared.add(there.inode);
      for (const { name, stat } of this.#list(path)) {
        const child = path === '' ? name : `${path}/${name}`;
        if (!this.#isOwn(child, stat)) this.#tree.remove(pathText(child));
        else if (isDirectory(stat)) todo.push(child);
      }
    }
  }

  #list(path: ByteText): readonly { readonly name: ByteText; readonly stat: FileStat }[] {
    const fd = this.#tree.open(pathText(path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      return listAt(fd).map(({ name, stat }) => ({
        name: typeof name === 'string' ? fromUnicode(name) : byteText(name),
        stat,
      }));
    } finally {
      closeSync(fd);
    }
  }

  #isOwn(path: ByteText, stat: FileStat): boolean {
    return this.#inodes.has(stat.inode) || this.#links.has(path);
  }
}
