import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { wrap } from '#base/errors';
import type { Log } from '#base/log';
import { unmountRecursive } from '#sys/mount';

/**
 * An empty directory for this daemon's temporary files and mounts: below `temp` where that is configured, else `<root>/tmpmounts`. What a daemon
 * that was killed had mounted and written there is taken away; the root must be claimed.
 */
export async function freshTempDirectory(root: string, temp: string, log: Log): Promise<string> {
  // Others may have the same `temp`.
  const name = `berth-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`;
  const path = temp === '' ? join(root, 'tmpmounts') : join(temp, name);
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await unmountRecursive(path, { detach: true });
    await rm(path, { recursive: true });
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    // A full disk, say. Whoever needs the directory will tell.
    log.warn('the directory for temporary files is not as it should be', { path, error: wrap(error, path) });
  }
  return path;
}
