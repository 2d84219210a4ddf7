import { ContentStore } from '#core/content/content';
import { definePlugin } from '#core/plugin/plugin';
import { openLocalStore } from './local-store.ts';

/** Blobs and ingests as plain files. The metadata plugin stands in front of it. */
export default definePlugin({
  slot: ContentStore,
  id: 'content',
  capabilities: [],
  start: ({ rootDir, log, setExport }) => {
    setExport('root', rootDir);
    return openLocalStore(rootDir, log);
  },
});
