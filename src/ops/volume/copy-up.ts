import { closeSync, constants } from 'node:fs';
import { readdir, readlink, stat } from 'node:fs/promises';
import { isFault } from '#base/errors';
import { openConfined } from '#sys/at';
import { copyTree } from '#sys/fs';

/**
 * Lets an empty volume begin with what the image has at that place, its directory's owner and mode too. What the image has not, or has as a file, gives
 * nothing.
 *
 * @param rootFd the container's root, which no link leads out of: whom files belong to there is right for the volume, too
 */
export async function copyUp(rootFd: number, place: string, data: string): Promise<void> {
  if ((await readdir(data)).length > 0) return;
  let fd: number;
  try {
    fd = openConfined(rootFd, place, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || (thrown as NodeJS.ErrnoException).code === 'ENOTDIR') return;
    throw thrown;
  }
  try {
    const source = await readlink(`/proc/self/fd/${fd}`);
    await stat(source);
    await copyTree(source, data);
  } finally {
    closeSync(fd);
  }
}
