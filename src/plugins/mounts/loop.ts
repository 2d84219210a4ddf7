import { readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { isFault } from '#base/errors';
import { MountHandler } from '#core/mounts/mounts';
import { definePlugin } from '#core/plugin/plugin';
import { attachLoop, releaseLoop } from '#sys/loop';

/** Block devices of files. The mount point is a link to the device, for a later mount to name as its source. */
export default definePlugin({
  slot: MountHandler,
  id: 'loop',
  start: () => loopHandler,
});

/** @internal for tests */
export const loopHandler: MountHandler = {
  async mount({ source, options }, target) {
    using device = attachLoop(source, { readonly: options.includes('ro'), directIo: options.includes('direct-io') });
    writeFileSync(noteOf(target), device.file);
    symlinkSync(device.path, target);
    // Last: until here the kernel frees the device by itself if this process should end.
    device.keep();
    return { device: device.path, file: device.file };
  },
  async unmount({ mountPoint, data: { device, file } }) {
    try {
      if (device !== undefined && file !== undefined) releaseLoop(device, file);
    } catch (error) {
      if (!isFault(error, 'not_found')) throw error;
    }
    rmSync(mountPoint, { force: true });
    rmSync(noteOf(mountPoint), { force: true });
  },
};

/** Says beside the link which file its device shows: for a daemon that finds the link and no record. */
const noteOf = (mountPoint: string): string => `${mountPoint}.file`;

/** What was to be told of the device that this link leads to. @throws not_found when it is no such link */
export const recallLoop = (mountPoint: string): { readonly device: string; readonly file: string } => ({
  device: readlinkSync(mountPoint),
  file: readFileSync(noteOf(mountPoint), 'utf8'),
});
