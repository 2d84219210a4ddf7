import { mkdirSync } from 'node:fs';
import { table, text } from '#base/config';
import { definePlugin } from '#core/plugin/plugin';
import { Snapshotter } from '#core/snapshots/snapshotter';
import { removeLeftovers } from '../shared/leftovers.ts';
import { NativeSnapshotter } from './native-snapshotter.ts';

/** Copies: slow, and works everywhere. */
export default definePlugin({
  slot: Snapshotter,
  id: 'native',
  config: table({
    root_path: text({ help: "Where snapshots are kept; empty for the plugin's own directory." }),
  }),
  async start({ config, rootDir, log, setExport }) {
    const root = config.root_path === '' ? rootDir : config.root_path;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    setExport('root', root);
    const snapshotter = await NativeSnapshotter.open(root, log);
    removeLeftovers(snapshotter, log);
    return snapshotter;
  },
});
