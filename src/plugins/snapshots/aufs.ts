import { readFileSync } from 'node:fs';
import { table, text } from '#base/config';
import { definePlugin, SkipPlugin } from '#core/plugin/plugin';
import { Snapshotter } from '#core/snapshots/snapshotter';

/** Never starts: no kernel that we support has aufs of its own. It is listed so that clients and configurations that name it get a reason. */
export default definePlugin({
  slot: Snapshotter,
  id: 'aufs',
  config: table({ root_path: text({ help: 'Kept for configurations that have it.' }) }),
  start({ config, rootDir, setExport }) {
    setExport('root', config.root_path === '' ? rootDir : config.root_path);
    throw new SkipPlugin(aufsReason(readFileSync('/proc/filesystems', 'utf8')));
  },
});

/** Why aufs cannot be used, from the kernel's list of filesystems. */
export function aufsReason(filesystems: string): string {
  const known = filesystems.split('\n').some((line) => line.trim().split(/\s+/).at(-1) === 'aufs');
  return known
    ? 'aufs is not supported (this kernel has it, but there is no snapshotter for it here; use overlayfs)'
    : 'aufs is not supported (the kernel does not have it)';
}
