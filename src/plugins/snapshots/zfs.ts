import { mkdirSync } from 'node:fs';
import { table, text } from '#base/config';
import { definePlugin, SkipPlugin } from '#core/plugin/plugin';
import { Snapshotter } from '#core/snapshots/snapshotter';
import { filesystemOf } from '#sys/fs';

/** Never starts: there is no snapshotter for zfs here. It is listed so that clients and configurations that name it get a reason. */
export default definePlugin({
  slot: Snapshotter,
  id: 'zfs',
  config: table({ root_path: text({ help: 'Kept for configurations that have it.' }) }),
  start({ config, rootDir, setExport }) {
    const root = config.root_path === '' ? rootDir : config.root_path;
    setExport('root', root);
    mkdirSync(root, { recursive: true, mode: 0o700 });
    throw new SkipPlugin(zfsReason(root, filesystemOf(root).type));
  },
});

/** Why zfs cannot be used at `root`, which is on a filesystem of this type. */
export function zfsReason(root: string, type: string): string {
  return type === 'zfs'
    ? `path ${root} is on zfs, but there is no snapshotter for zfs here; overlayfs works on zfs 2.2 and later`
    : `path ${root} must be a zfs filesystem to be used with the zfs snapshotter`;
}
