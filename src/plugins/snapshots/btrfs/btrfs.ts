import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { table, text } from '#base/config';
import { failedPrecondition } from '#base/errors';
import { definePlugin, SkipPlugin } from '#core/plugin/plugin';
import { Snapshotter } from '#core/snapshots/snapshotter';
import { filesystemOf } from '#sys/fs';
import { mountTable } from '#sys/mountinfo';
import { checkSnapshots } from '../shared/check-snapshots.ts';
import { removeLeftovers } from '../shared/leftovers.ts';
import { BtrfsSnapshotter, discardSubvolume, places } from './btrfs-snapshotter.ts';

/** Subvolumes, where the root is on btrfs. */
export default definePlugin({
  slot: Snapshotter,
  id: 'btrfs',
  config: table({
    root_path: text({ help: "Where snapshots are kept, on btrfs; empty for the plugin's own directory." }),
  }),
  check: {
    holds: ({ config, rootDir }) => existsSync(join(config.root_path || rootDir, 'metadata.db')),
    backend: (place, known) =>
      checkSnapshots(place, known, {
        root: place.config.root_path || place.rootDir,
        places: Object.values(places),
        entry: ({ id, kind }) => `${places[kind]}/${id}`,
        contents: () => [''],
        discard: discardSubvolume,
      }),
  },
  async start({ config, rootDir, log, setExport }) {
    const root = config.root_path === '' ? rootDir : config.root_path;
    setExport('root', root);
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const { type } = filesystemOf(root);
    if (type !== 'btrfs') {
      throw new SkipPlugin(`path ${root} (${type}) must be a btrfs filesystem to be used with the btrfs snapshotter`);
    }
    const snapshotter = await BtrfsSnapshotter.open(root, { device: deviceOf(root), log });
    await snapshotter.repair();
    removeLeftovers(snapshotter, log);
    return snapshotter;
  },
});

/** The block device that is mounted where `path` lies. @throws failed_precondition when no btrfs mount leads there */
export function deviceOf(path: string): string {
  const resolved = realpathSync(path);
  const holds = (mountpoint: string) =>
    mountpoint === '/' || resolved === mountpoint || resolved.startsWith(`${mountpoint}/`);
  const nearest = mountTable()
    .filter((row) => holds(row.mountpoint))
    .reduce((best, row) => (row.mountpoint.length >= best.mountpoint.length ? row : best));
  if (nearest.type !== 'btrfs') throw failedPrecondition(`${path} is mounted as ${nearest.type}, not as btrfs`);
  return nearest.source;
}
