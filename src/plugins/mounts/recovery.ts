import { readdirSync, readlinkSync } from 'node:fs';
import { rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault } from '#base/errors';
import type { Log } from '#base/log';
import { fileOfLoop } from '#sys/loop';
import { unmountRecursive } from '#sys/mount';
import { mountsBelow } from '#sys/mountinfo';
import { loopHandler, recallLoop } from './loop.ts';
import type { ActivationRecord } from './records.ts';

/** Whether everything that the record tells of is still mounted: after a boot, or what others took down, it is not. */
export function isIntact({ active }: ActivationRecord): boolean {
  return active.every(({ mountPoint, data: { device, file } }) => {
    try {
      if (device !== undefined) return readlinkSync(mountPoint) === device && fileOfLoop(device) === file;
      return mountsBelow(mountPoint).some(({ mountpoint }) => mountpoint === mountPoint);
    } catch (error) {
      if (isFault(error, 'not_found')) return false;
      throw error;
    }
  });
}

/** Takes down and removes whatever lies in an activation's directory, and the directory. What cannot be is logged and stays. */
export async function sweepDirectory(directory: string, log: Log): Promise<void> {
  try {
    await unmountRecursive(directory, { detach: true });
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isSymbolicLink()) await loopHandler.unmount({ mountPoint: path, data: recalled(path) });
      else if (entry.isDirectory()) await rmdir(path);
    }
    for (const name of readdirSync(directory)) await unlink(join(directory, name));
    await rmdir(directory);
  } catch (error) {
    if (!isFault(error, 'not_found')) log.error('mounts that nobody knows of stay', { directory, error });
  }
}

function recalled(link: string): ReturnType<typeof recallLoop> | Readonly<Record<string, never>> {
  try {
    return recallLoop(link);
  } catch (error) {
    if (isFault(error, 'not_found')) return {}; // nobody was told to keep the device: the kernel has freed it
    throw error;
  }
}
