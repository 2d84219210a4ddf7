import { Snapshots } from '#api/services/snapshots/v1/snapshots_pb';
import { invalidArgument } from '#base/errors';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import { defineService, type Service } from '../service.ts';
import { fieldsFromWire, inBlocks, mountToWire, numberToWire } from '../values.ts';
import { infoToWire } from './convert.ts';

/** The snapshots service on the snapshotters, by their ids: each call names one. */
export function serveSnapshots(snapshotters: ReadonlyMap<string, Snapshotter>): Service {
  const named = (name: string): Snapshotter => {
    if (name === '') throw invalidArgument('snapshotter argument missing');
    const snapshotter = snapshotters.get(name);
    if (snapshotter === undefined) throw invalidArgument(`snapshotter not loaded: ${name}`);
    return snapshotter;
  };
  return defineService(Snapshots, {
    prepare: async ({ snapshotter, key, parent, labels }, { scope }) => ({
      mounts: (await named(snapshotter).prepare(scope, key, parent, { labels })).map(mountToWire),
    }),
    view: async ({ snapshotter, key, parent, labels }, { scope }) => ({
      mounts: (await named(snapshotter).view(scope, key, parent, { labels })).map(mountToWire),
    }),
    mounts: async ({ snapshotter, key }, { scope }) => ({
      mounts: (await named(snapshotter).mounts(scope, key)).map(mountToWire),
    }),
    commit: async ({ snapshotter, name, key, labels, parent }, { scope }) => {
      await named(snapshotter).commit(scope, name, key, { labels, ...(parent !== '' && { parent }) });
      return {};
    },
    remove: async ({ snapshotter, key }, { scope }) => {
      await named(snapshotter).remove(scope, key);
      return {};
    },
    stat: async ({ snapshotter, key }, { scope }) => ({ info: infoToWire(await named(snapshotter).stat(scope, key)) }),
    update: async ({ snapshotter, info, updateMask }, { scope }) => {
      if (info === undefined) throw invalidArgument('snapshot info is required');
      const { name, labels } = info;
      return { info: infoToWire(await named(snapshotter).update(scope, { name, labels }, fieldsFromWire(updateMask))) };
    },
    list: async function* ({ snapshotter, filters }, { scope }) {
      for await (const block of inBlocks(named(snapshotter).walk(scope, filters)))
        yield { info: block.map(infoToWire) };
    },
    usage: async ({ snapshotter, key }, { scope }) => {
      const { size, inodes } = await named(snapshotter).usage(scope, key);
      return { size: numberToWire(size), inodes: numberToWire(inodes) };
    },
    cleanup: async ({ snapshotter }, { scope }) => {
      await named(snapshotter).cleanup(scope);
      return {};
    },
  });
}
