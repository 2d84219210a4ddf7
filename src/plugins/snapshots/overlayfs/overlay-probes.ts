import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '#base/errors';
import { SkipPlugin } from '#core/plugin/plugin';
import { removeTree } from '#sys/fs';
import { unmountRecursive, withTempMount } from '#sys/mount';

/**
 * Finds out, by mounting one, whether overlayfs works with its directories below `root`: the kernel must have it, and the
 * filesystem must support it (whiteouts, file types in directories). Takes a few milliseconds.
 *
 * @throws SkipPlugin with the reason
 */
export async function requireOverlay(root: string, options: readonly string[]): Promise<void> {
  try {
    await tryOverlay(root, options);
  } catch (thrown) {
    throw new SkipPlugin(`overlayfs is not supported on ${root}: ${messageOf(thrown)}`);
  }
}

/**
 * Whether overlayfs must keep its marks in `user.*` attributes, because this is a user namespace that may not write
 * `trusted.*`, and the kernel can.
 */
export async function needsUserXattr(root: string): Promise<boolean> {
  if (!inUserNamespace(readFileSync('/proc/self/uid_map', 'utf8'))) return false;
  return tryOverlay(root, ['userxattr']).then(
    () => true,
    () => false,
  );
}

/** True unless the map is the initial namespace's, of all numbers to themselves. */
export function inUserNamespace(uidMap: string): boolean {
  return uidMap.trim().split(/\s+/).join(' ') !== '0 0 4294967295';
}

/** Whether the kernel knows `index=off`: directories that were a lower one before may then be upper ones elsewhere. */
export function supportsIndex(): boolean {
  try {
    readFileSync('/sys/module/overlay/parameters/index');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function tryOverlay(root: string, extra: readonly string[]): Promise<void> {
  const base = join(root, 'check-overlayfs-support');
  mkdirSync(base, { recursive: true });
  await unmountRecursive(base, { detach: true }); // a daemon that was killed here
  await removeTree(base);
  mkdirSync(base, { mode: 0o700 });
  try {
    const at = (name: string) => join(base, name);
    for (const name of ['lower1', 'lower2', 'upper', 'work']) mkdirSync(at(name));
    writeFileSync(join(at('lower1'), 'file'), '');
    const options = [
      `workdir=${at('work')}`,
      `upperdir=${at('upper')}`,
      `lowerdir=${at('lower2')}:${at('lower1')}`,
      ...extra,
    ];
    await withTempMount(
      [{ type: 'overlay', source: 'overlay', target: '', options }],
      async (mounted) => removeTree(join(mounted, 'file')),
      { tempDir: base },
    );
  } finally {
    await removeTree(base);
  }
}
