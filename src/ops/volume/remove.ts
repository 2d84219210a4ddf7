import { fault, isFault } from '#base/errors';
import { anonymousLabel, getVolume, removeVolume as removeDirectory } from '#core/volumes/volumes';
import { diskUsage } from '#sys/fs';
import type { Engine } from '../engine.ts';
import type { Filters } from '../filters.ts';
import { listVolumesBy } from './list.ts';
import { volumeUsers } from './usage.ts';

/** Removes a volume with all that is in it. @throws not_found, conflict for one that containers have, in docker's words */
export async function removeVolume(engine: Engine, name: string): Promise<void> {
  const directory = engine.layout.volumes(engine.scope.namespace);
  await getVolume(directory, name);
  const users = (await volumeUsers(engine)).get(name);
  if (users !== undefined) throw fault('conflict', `remove ${name}: volume is in use - [${users.join(', ')}]`);
  await removeDirectory(directory, name);
}

/** What of volumes can be pruned by. */
export const pruneVolumeFilters: readonly string[] = ['all', 'label', 'label!'];

export interface PrunedVolumes {
  readonly names: readonly string[];
  readonly reclaimedBytes: number;
}

/** Removes volumes that no container has: those without a name of the user's, or with `all` every one. @throws invalid_argument for a filter */
export async function pruneVolumes(
  engine: Engine,
  filters: Filters,
  { all = false }: { readonly all?: boolean } = {},
): Promise<PrunedVolumes> {
  const every = all || filters.yesNo('all') === true;
  const users = await volumeUsers(engine);
  const directory = engine.layout.volumes(engine.scope.namespace);
  const names: string[] = [];
  let reclaimedBytes = 0;
  for (const { name, labels, mountpoint } of await listVolumesBy(engine, filters)) {
    if (users.has(name) || (!every && !Object.hasOwn(labels, anonymousLabel))) continue;
    const { size } = await diskUsage(mountpoint);
    try {
      await removeDirectory(directory, name);
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) continue; // somebody else was quicker
      throw thrown;
    }
    names.push(name);
    reclaimedBytes += size;
  }
  return { names, reclaimedBytes };
}
