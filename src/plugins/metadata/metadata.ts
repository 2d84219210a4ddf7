import { join } from 'node:path';
import { flag, oneOf, table } from '#base/config';
import { ContentStore } from '#core/content/content';
import { Events } from '#core/events/events';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { every, one } from '#core/plugin/slot';
import { Snapshotter } from '#core/snapshots/snapshotter';
import { checkMetadata } from './check/check-metadata.ts';
import { openMetadata } from './open-metadata.ts';

/** Everything that has a name, in SQLite; the id is the one that clients and configuration files know. */
export default definePlugin({
  slot: Metadata,
  id: 'bolt',
  config: table({
    content_sharing_policy: oneOf(['shared', 'isolated'], {
      default: 'shared',
      help: 'Whether a namespace may have a blob of another for knowing its digest, or must send the bytes all the same.',
    }),
    no_sync: flag({
      help: 'Do not wait for the disk: quicker, and what was acknowledged last may be lost with the power.',
    }),
  }),
  check: { metadata: checkMetadata },
  needs: { content: one(ContentStore), events: one(Events), snapshotters: every(Snapshotter) },
  async start({ config, rootDir, log, setExport }, { content, events, snapshotters }) {
    setExport('policy', config.content_sharing_policy);
    return await openMetadata(join(rootDir, 'meta.sqlite'), {
      ...{ content, events, snapshotters, log },
      policy: config.content_sharing_policy,
      durable: !config.no_sync,
    });
  },
});
