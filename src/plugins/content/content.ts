import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ContentStore } from '#core/content/content';
import { definePlugin } from '#core/plugin/plugin';
import { checkContent } from './check-content.ts';
import { openLocalStore } from './local-store.ts';

/** Blobs and ingests as plain files. The metadata plugin stands in front of it. */
export default definePlugin({
  slot: ContentStore,
  id: 'content',
  capabilities: [],
  check: { backend: checkContent, holds: ({ rootDir }) => existsSync(join(rootDir, 'blobs')) },
  start: ({ rootDir, log, setExport }) => {
    setExport('root', rootDir);
    return openLocalStore(rootDir, log);
  },
});
