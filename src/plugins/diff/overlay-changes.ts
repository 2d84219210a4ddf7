import type { Mount } from '#core/mount';
import type { ByteText } from '#lib/tar/byte-text';
import { statAt } from '#sys/at';
import { type FileStat, isDirectory, isRegular, isWhiteout } from '#sys/stat';
import { findXattr } from '#sys/xattr';
import { overlayLowers, overlayOption } from './apply-target.ts';
import { pathText } from './path-text.ts';
import { byBytes, type Change, directoryChanges, inside, type Names, namesIn, ownChange } from './tree-changes.ts';

/** An overlay whose lower directories are what it is compared with: only its upper directory can hold differences. */
export interface OverlayPair {
  readonly upperDir: string;
  /** Of the attributes in which overlayfs keeps its notes. */
  readonly namespace: 'trusted' | 'user';
}

/** `undefined` unless both sets of mounts show the same lower directories. */
export function overlayPair(lower: readonly Mount[], upper: readonly Mount[]): OverlayPair | undefined {
  const [top, ...more] = upper;
  const [bottom, ...others] = lower;
  if (top?.type !== 'overlay' || more.length + others.length > 0 || bottom === undefined) return undefined;
  if (top.target !== '' || bottom.target !== '') return undefined;
  const upperDir = overlayOption(top.options, 'upperdir');
  if (upperDir === undefined) return undefined;
  const wanted = JSON.stringify(overlayLowers(top.options));
  const isOverlay = bottom.type === 'overlay' && overlayOption(bottom.options, 'upperdir') === undefined;
  const shown = isOverlay ? overlayLowers(bottom.options) : bottom.type === 'bind' ? [bottom.source] : [];
  if (JSON.stringify(shown) !== wanted) return undefined;
  return { upperDir, namespace: top.options.includes('userxattr') ? 'user' : 'trusted' };
}

/** Thrown for an upper directory that says things which overlayfs alone can follow. */
export class NeedsMount extends Error {}

/**
 * The same changes as a walk over both mounted trees would find, from the upper directory alone: `lower` is looked at only where that has
 * something. Costs what is in the upper directory, however large the image. @throws NeedsMount
 */
export function overlayChanges(lower: number, upper: number, pair: OverlayPair): Generator<Change> {
  return mergedChanges(lower, upper, '', pair.namespace);
}

function* mergedChanges(lower: number, upper: number, path: ByteText, namespace: string): Generator<Change> {
  const names = namesIn(upper);
  const mark = findXattr(upper, '', `${namespace}.overlay.opaque`);
  if (mark !== undefined) {
    // 'x' announces whiteouts in a newer form.
    if (Buffer.from(mark).toString() !== 'y') throw new NeedsMount('an opaque mark of another kind');
    yield* directoryChanges(lower, upper, path, withoutWhiteouts(namespace));
    return;
  }
  for (const name of [...names.keys()].sort(byBytes)) {
    const now = names.get(name)!;
    const old = findIn(lower, name);
    const at = path === '' ? name : `${path}/${name}`;
    if (isWhiteout(now)) {
      if (old !== undefined) yield { kind: 'delete', path: at, stat: old };
      continue;
    }
    checkPlain(upper, name, now, namespace);
    yield* ownChange(lower, old, upper, now, name, at);
    if (!isDirectory(now)) continue;
    if (old !== undefined && isDirectory(old)) {
      yield* inside(lower, upper, name, (a, b) => mergedChanges(a!, b, at, namespace));
    } else {
      yield* inside(undefined, upper, name, (_, b) => directoryChanges(undefined, b, at, withoutWhiteouts(namespace)));
    }
  }
}

function withoutWhiteouts(namespace: string): (dirfd: number) => Names {
  return (dirfd) => {
    const kept = new Map([...namesIn(dirfd)].filter(([, stat]) => !isWhiteout(stat)));
    for (const [name, stat] of kept) checkPlain(dirfd, name, stat, namespace);
    return kept;
  };
}

/** Directories that were renamed and files whose data is below have notes that say so. */
function checkPlain(dirfd: number, name: ByteText, stat: FileStat, namespace: string): void {
  const note = isDirectory(stat)
    ? 'redirect'
    : isRegular(stat) && stat.size > 0 && stat.blocks === 0
      ? 'metacopy'
      : undefined;
  if (note === undefined) return;
  if (findXattr(dirfd, pathText(name), `${namespace}.overlay.${note}`) !== undefined) throw new NeedsMount(note);
}

function findIn(dirfd: number, name: ByteText): FileStat | undefined {
  try {
    return statAt(dirfd, pathText(name));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}
