import { flag, table, text } from '#base/config';
import { notImplemented } from '#base/errors';
import { definePlugin, SkipPlugin } from '#core/plugin/plugin';
import { Snapshotter } from '#core/snapshots/snapshotter';

/** Never starts: there is no snapshotter for device mapper here. While it is not configured it is skipped, in containerd's words. */
export default definePlugin({
  slot: Snapshotter,
  id: 'devmapper',
  config: table({
    root_path: text({ help: 'Kept for configurations that have it.' }),
    pool_name: text({ help: 'Name of the thin pool.' }),
    base_image_size: text({ help: 'Size of a new device.' }),
    async_remove: flag({ help: 'Remove devices after the collection.' }),
    discard_blocks: flag({ help: 'Discard the blocks of removed devices.' }),
    fs_type: text({ help: 'Filesystem made on new devices.' }),
    fs_options: text({ help: 'Options for making it.' }),
  }),
  start({ config }) {
    const { pool_name, root_path, base_image_size } = config;
    if (pool_name === '' && root_path === '' && base_image_size === '')
      throw new SkipPlugin('devmapper not configured');
    throw notImplemented('devmapper is configured, but there is no snapshotter for it here; use overlayfs');
  },
});
