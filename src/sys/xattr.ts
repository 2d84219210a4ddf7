import { addon, type PathText } from './addon.ts';

/**
 * Extended attributes of what (dirfd, path) names, never of what a link points at. An empty path means the descriptor
 * itself (which may be O_PATH). Values are at most 64 KiB.
 */

/** None on a filesystem without them. */
export const listXattrs = (dirfd: number, path: PathText): readonly PathText[] => addon.listXattrs(dirfd, path);

/** `undefined` when it has none of that name. */
export const findXattr = (dirfd: number, path: PathText, name: PathText): Uint8Array | undefined =>
  addon.getXattr(dirfd, path, name) ?? undefined;

/** @throws EOPNOTSUPP, EPERM (user attributes on links and devices), ENOSPC */
export const setXattr = (dirfd: number, path: PathText, name: PathText, value: Uint8Array): void =>
  addon.setXattr(dirfd, path, name, value);

/** @throws ENODATA when it has none of that name */
export const removeXattr = (dirfd: number, path: PathText, name: PathText): void =>
  addon.removeXattr(dirfd, path, name);
