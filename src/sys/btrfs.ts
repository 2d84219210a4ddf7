import { basename, dirname } from 'node:path';
import { addon } from './addon.ts';

/** Subvolumes of btrfs. Paths are absolute; each call takes well below a millisecond except `deleteSubvolume`. */

/** @throws EEXIST, ENOTTY when the directory is not on btrfs */
export const createSubvolume = (path: string): void => addon.createSubvolume(dirname(path), basename(path));

/** A new subvolume with the source's content, sharing all of its blocks. @throws EEXIST, ENOENT, EINVAL when the source is none */
export function snapshotSubvolume(source: string, path: string, options: { readonly readonly: boolean }): void {
  addon.snapshotSubvolume(source, dirname(path), basename(path), options.readonly ? 1 : 0);
}

/** With all its content; one that holds other subvolumes is refused. @throws ENOENT, ENOTEMPTY, EINVAL when it is none */
export const deleteSubvolume = (path: string): Promise<void> => addon.deleteSubvolume(dirname(path), basename(path));

/** @throws ENOENT */
export const isSubvolume = (path: string): boolean => addon.isSubvolume(path);

export const setSubvolumeReadonly = (path: string, readonly: boolean): void =>
  addon.setSubvolumeReadonly(path, readonly ? 1 : 0);
