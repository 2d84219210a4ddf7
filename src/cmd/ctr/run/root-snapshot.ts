import { notImplemented } from '#base/errors';
import { type HostIds, prepareRemapped } from '#client/remap';
import { rootSnapshot } from '#client/unpacked';
import type { Image } from '#core/images/images';
import type { Mount } from '#core/mount';
import type { IdMapping } from '#lib/oci/spec/spec';
import type { PlatformMatcher } from '#lib/platform';
import type { Session } from '../globals.ts';
import { parseNewLabels } from '../output.ts';
import type { ContainerFlags, RunFlags } from './container-flags.ts';
import { idMappings } from './id-mappings.ts';

export interface RootOptions {
  /** The key of the new snapshot. */
  readonly key: string;
  readonly flags: ContainerFlags & Partial<RunFlags>;
  readonly platforms: PlatformMatcher;
}

/**
 * The container's own snapshot of an image, its files shifted where the flags ask for a user namespace.
 * @throws not_implemented when the snapshotter shall do that (`--remap-labels`), cannot, and would not have clients do it
 */
export async function prepareRoot(session: Session, image: Image, options: RootOptions): Promise<readonly Mount[]> {
  const { client, scope } = session;
  const { key, flags, platforms } = options;
  const snapshotter = await client.snapshotter(scope, flags.snapshotter);
  const root = await rootSnapshot(client, scope, image.target, platforms);
  const labels = parseNewLabels(flags['snapshotter-label']);
  const ids = idMappings(flags);
  if (ids === undefined) return snapshotter.prepare(scope, key, root, { labels });
  if (!flags['remap-labels'] || !(await shiftsItself(session, flags.snapshotter)))
    return prepareRemapped(snapshotter, scope, key, root, ids, labels);
  return snapshotter.prepare(scope, key, root, { labels: { ...labels, ...mappingLabels(ids) } });
}

/** A snapshotter that knows nothing of the labels would leave all files to nobody. */
async function shiftsItself({ client, scope }: Session, asked: string): Promise<boolean> {
  const name = await client.snapshotterName(scope, asked);
  const [plugin] = await client.introspection.plugins([`type==io.containerd.snapshotter.v1,id==${name}`]);
  if (plugin?.capabilities.includes('remap-ids')) return true;
  if (plugin?.capabilities.includes('only-remap-ids'))
    throw notImplemented(
      `snapshotter ${JSON.stringify(name)} cannot shift ids, and has clients do it only with slow_chown; without --remap-labels ctr does it`,
    );
  return false;
}

function mappingLabels({ uids, gids }: HostIds): Readonly<Record<string, string>> {
  const written = (mappings: readonly IdMapping[]) =>
    mappings.map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`).join(',');
  return {
    'containerd.io/snapshot/uidmapping': written(uids),
    'containerd.io/snapshot/gidmapping': written(gids),
  };
}
