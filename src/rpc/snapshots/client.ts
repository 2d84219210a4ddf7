import { Snapshots } from '#api/services/snapshots/v1/snapshots_pb';
import type { SnapshotInfo, Snapshotter } from '#core/snapshots/snapshotter';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { maskToWire, mountFromWire, numberFromWire } from '../values.ts';
import { infoFromWire } from './convert.ts';

export interface RemoteSnapshotterOptions {
  /** The wire does not tell what a snapshotter can do beyond the ordinary: nothing, unless said here. */
  readonly capabilities?: Snapshotter['capabilities'];
}

/** One of a daemon's snapshotters, or one in a process of its own that speaks the same interface (`[proxy_plugins]`). */
export function remoteSnapshotter(
  transport: Transport,
  snapshotter: string,
  options: RemoteSnapshotterOptions = {},
): Snapshotter {
  const client = clientOf(Snapshots, transport);
  return {
    capabilities: options.capabilities ?? new Set(),
    stat: async (scope, key) => infoFromWire((await client.stat({ snapshotter, key }, withScope(scope))).info),
    update: async (scope, { name, labels }, fields) => {
      const request = { snapshotter, info: { name, labels: { ...labels } }, ...maskToWire(fields) };
      return infoFromWire((await client.update(request, withScope(scope))).info);
    },
    usage: async (scope, key) => {
      const { size, inodes } = await client.usage({ snapshotter, key }, withScope(scope));
      return { size: numberFromWire(size, 'size'), inodes: numberFromWire(inodes, 'inodes') };
    },
    mounts: async (scope, key) =>
      (await client.mounts({ snapshotter, key }, withScope(scope))).mounts.map(mountFromWire),
    prepare: async (scope, key, parent, { labels = {} } = {}) => {
      const request = { snapshotter, key, parent, labels: { ...labels } };
      return (await client.prepare(request, withScope(scope))).mounts.map(mountFromWire);
    },
    view: async (scope, key, parent, { labels = {} } = {}) => {
      const request = { snapshotter, key, parent, labels: { ...labels } };
      return (await client.view(request, withScope(scope))).mounts.map(mountFromWire);
    },
    commit: async (scope, name, key, { labels = {}, parent = '' } = {}) => {
      await client.commit({ snapshotter, name, key, labels: { ...labels }, parent }, withScope(scope));
    },
    remove: async (scope, key) => {
      await client.remove({ snapshotter, key }, withScope(scope));
    },
    async *walk(scope, filters = []): AsyncGenerator<SnapshotInfo> {
      const blocks = client.list({ snapshotter, filters: [...filters] }, withScope(scope));
      for await (const { info } of blocks) for (const each of info) yield infoFromWire(each);
    },
    cleanup: async (scope) => {
      await client.cleanup({ snapshotter }, withScope(scope));
    },
  };
}
