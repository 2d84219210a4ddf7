import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { table, text } from '#base/config';
import { definePlugin } from '#core/plugin/plugin';
import { Snapshotter } from '#core/snapshots/snapshotter';
import { removeTree } from '#sys/fs';
import { checkSnapshots } from '../shared/check-snapshots.ts';
import { removeLeftovers } from '../shared/leftovers.ts';
import { NativeSnapshotter } from './native-snapshotter.ts';

/** Copies: slow, and works everywhere. */
export default definePlugin({
  slot: Snapshotter,
  id: 'native',
  config: table({
    root_path: text({ help: "Where snapshots are kept; empty for the plugin's own directory." }),
  }),
  check: {
    holds: ({ config, rootDir }) => existsSync(join(config.root_path || rootDir, 'metadata.db')),
    backend: (place, known) =>
      checkSnapshots(place, known, {
        root: place.config.root_path || place.rootDir,
        places: ['snapshots'],
        // A view of a parent shows the parent's tree.
        entry: ({ id, kind, parent }) => (kind === 'view' && parent !== null ? undefined : `snapshots/${id}`),
        contents: () => [''],
        discard: removeTree,
      }),
  },
  async start({ config, rootDir, log, setExport }) {
    const root = config.root_path === '' ? rootDir : config.root_path;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    setExport('root', root);
    const snapshotter = await NativeSnapshotter.open(root, log);
    removeLeftovers(snapshotter, log);
    return snapshotter;
  },
});
