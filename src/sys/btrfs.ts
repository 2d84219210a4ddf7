import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { addon } from './addon.ts';
import { type Entry, listAt } from './at.ts';
import { isDirectory } from './stat.ts';

/** Subvolumes of btrfs. Paths are absolute; making one takes well below a millisecond. */

/** @throws EEXIST, ENOTTY when the directory is not on btrfs */
export const createSubvolume = (path: string): void => addon.createSubvolume(dirname(path), basename(path));

/** A new subvolume with the source's content, sharing all of its blocks. @throws EEXIST, ENOENT, EINVAL when the source is none */
export function snapshotSubvolume(source: string, path: string, options: { readonly readonly: boolean }): void {
  addon.snapshotSubvolume(source, dirname(path), basename(path), options.readonly ? 1 : 0);
}

/**
 * Removes a subvolume with all its content, also the subvolumes that a program made inside it. Runs on a thread of its own.
 * Fine when nothing is there. @throws EINVAL when it is a plain directory
 */
export async function deleteSubvolume(path: string): Promise<void> {
  try {
    await addon.deleteSubvolume(dirname(path), basename(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'ENOTEMPTY') throw error;
    for (const nested of subvolumesIn(path)) await deleteSubvolume(nested);
    await addon.deleteSubvolume(dirname(path), basename(path));
  }
}

/** @throws ENOENT */
export const isSubvolume = (path: string): boolean => addon.isSubvolume(path);

/** The number by which it can be mounted: `subvolid=<number>`. @throws ENOENT, ENOTTY when it is not on btrfs */
export const subvolumeId = (path: string): number => addon.subvolumeId(path);

export const setSubvolumeReadonly = (path: string, readonly: boolean): void =>
  addon.setSubvolumeReadonly(path, readonly ? 1 : 0);

/** The nearest subvolumes below a directory; those inside them are not looked for. */
function subvolumesIn(directory: string): string[] {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  let entries: Entry[];
  try {
    entries = listAt(fd);
  } finally {
    closeSync(fd);
  }
  return entries.flatMap(({ name, stat }) => {
    // A name that is not UTF-8 cannot be reached by a path made of strings; its subvolume stays and the deletion fails.
    if (typeof name !== 'string' || !isDirectory(stat)) return [];
    const path = join(directory, name);
    return addon.isSubvolume(path) ? [path] : subvolumesIn(path);
  });
}
