import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { flag, list, table, text } from '#base/config';
import { definePlugin } from '#core/plugin/plugin';
import { Snapshotter } from '#core/snapshots/snapshotter';
import { removeTree } from '#sys/fs';
import { checkSnapshots } from '../shared/check-snapshots.ts';
import { removeLeftovers } from '../shared/leftovers.ts';
import { needsUserXattr, requireOverlay, supportsIndex } from './overlay-probes.ts';
import { OverlaySnapshotter } from './overlay-snapshotter.ts';

/** The usual snapshotter: layers as directories, laid over one another by the kernel. */
export default definePlugin({
  slot: Snapshotter,
  id: 'overlayfs',
  config: table({
    root_path: text({ help: "Where snapshots are kept; empty for the plugin's own directory." }),
    upperdir_label: flag({ help: 'Show the upper directory of every snapshot in a label.' }),
    sync_remove: flag({
      help: 'Delete directories in the call that removes a snapshot, and not after the collection.',
    }),
    slow_chown: flag({
      help: 'Let clients copy and chown a layer for a user namespace (slow, and the only way here).',
    }),
    mount_options: list(text(), { help: 'Options added to every overlay mount.' }),
  }),
  check: {
    holds: ({ config, rootDir }) => existsSync(join(config.root_path || rootDir, 'metadata.db')),
    backend: (place, known) =>
      checkSnapshots(place, known, {
        root: place.config.root_path || place.rootDir,
        places: ['snapshots'],
        entry: ({ id }) => `snapshots/${id}`,
        contents: ({ kind }) => (kind === 'active' ? ['fs', 'work'] : ['fs']),
        discard: removeTree,
      }),
  },
  async start({ config, rootDir, log, setExport, setCapabilities }) {
    const root = config.root_path === '' ? rootDir : config.root_path;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const mountOptions = await completeOptions(root, config.mount_options);
    await requireOverlay(root, mountOptions);
    setExport('root', root);
    // Clients that need a user namespace ask for `remap-ids`; with `only-remap-ids` alone they refuse instead of copying.
    setCapabilities(['rebase', ...(config.slow_chown ? [] : ['only-remap-ids'])]);
    const snapshotter = await OverlaySnapshotter.open(root, {
      mountOptions,
      upperdirLabel: config.upperdir_label,
      syncRemove: config.sync_remove,
      log,
    });
    removeLeftovers(snapshotter, log);
    return snapshotter;
  },
});

async function completeOptions(root: string, given: readonly string[]): Promise<string[]> {
  const has = (name: string) => given.some((option) => option === name || option.startsWith(`${name}=`));
  return [
    ...given,
    ...(!has('userxattr') && (await needsUserXattr(root)) ? ['userxattr'] : []),
    ...(!has('index') && supportsIndex() ? ['index=off'] : []),
  ];
}
