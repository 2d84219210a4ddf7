import type { MountOptions } from '#ops/container/create-options';
import { parseMount } from '#ops/container/parse/mount';
import { checkVolumeDriver, parseTmpfs, parseVolume, parseVolumesFrom } from '#ops/container/parse/volume';
import type { ContainerInvocation } from './create-options.ts';
import { readAll } from './read-flags.ts';

/** The flags that mount something. @throws FlagFault, invalid_argument in docker's words */
export function mountOptions({ flags, io }: Pick<ContainerInvocation, 'flags' | 'io'>): MountOptions {
  checkVolumeDriver(flags['volume-driver']);
  const mounts = readAll('mount', flags.mount, parseMount);
  return {
    readOnly: flags['read-only'],
    volumes: [
      ...flags.volume.map((text) => parseVolume(text, io.cwd)),
      ...mounts.flatMap((one) => ('volume' in one ? [one.volume] : [])),
    ],
    tmpfs: [...flags.tmpfs.map(parseTmpfs), ...mounts.flatMap((one) => ('tmpfs' in one ? [one.tmpfs] : []))],
    volumesFrom: flags['volumes-from'].map(parseVolumesFrom),
    volumeDriver: flags['volume-driver'],
  };
}
