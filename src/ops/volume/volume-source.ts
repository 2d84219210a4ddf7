import { closeSync, constants, openSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { invalidArgument, notImplemented, wrap } from '#base/errors';
import type { Volume } from '#core/volumes/volumes';
import type { SpecMount } from '#lib/oci/spec/spec';
import { openConfined } from '#sys/at';

const known = new Set(['type', 'o', 'device']);

/** Checks options of the driver `local`. @throws invalid_argument in docker's words; not_implemented */
export function checkVolumeOptions(options: Readonly<Record<string, string>>): void {
  if (Object.keys(options).length === 0) return;
  const stray = Object.keys(options).find((key) => !known.has(key));
  if (stray !== undefined) throw invalidArgument(`invalid option: ${JSON.stringify(stray)}`);
  const { type = '', o = '', device = '' } = options;
  if (device === '') throw invalidArgument('missing device in volume options');
  if (type === 'tmpfs')
    throw notImplemented(
      'volume option type=tmpfs: containers would not share it; --tmpfs gives one a file system in memory',
    );
  const isBind = o.split(',').some((one) => one === 'bind' || one === 'rbind');
  if (!isBind && (type === '' || type === 'none')) throw invalidArgument('missing type in volume options');
  if (isBind && !isAbsolute(device)) throw invalidArgument(`volume option device: ${device} is not an absolute path`);
}

/** The mount that shows a volume: its directory, or what its options put in that place. */
export function mountOfVolume({ mountpoint, options }: Volume, destination: string): SpecMount {
  const { type = '', o = '', device } = options;
  if (device === undefined) return { destination, type: 'bind', source: mountpoint, options: ['rbind'] };
  const words = o.split(',').filter((one) => one !== '');
  const isBind = words.some((one) => one === 'bind' || one === 'rbind');
  return { destination, type: isBind ? 'bind' : type, source: device, options: words };
}

/** A directory in a volume or an image, which no link leads out of. @throws not_found naming it */
export async function subdirectory(root: string, subpath: string): Promise<string> {
  const rootFd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const fd = openConfined(rootFd, subpath, constants.O_RDONLY);
    try {
      return await readlink(`/proc/self/fd/${fd}`);
    } finally {
      closeSync(fd);
    }
  } catch (thrown) {
    throw wrap(thrown, `cannot access path ${join(root, subpath)}`);
  } finally {
    closeSync(rootFd);
  }
}
