import { isLayerReference } from '#client/release-layers';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';

/** What containerd wrote before there were kinds: 0 is the configuration, the others are layers. */
const oldLayer = /^containerd\.io\/gc\.ref\.content\.(?!0$)\d+$/;

/** `content prune references`. */
export const pruneReferences = command({
  name: 'references',
  summary: 'prunes preference labels from the content store (layers only by default)',
  description:
    'Take away what keeps the layers of unpacked images from collection: the snapshots that were made of them stay.',
  flags: {
    async: flag('allow garbage collection to cleanup asynchronously'),
    dry: flag('just show updates without applying (enables debug logging)'),
  },
  run: async ({ client, scope }, { io, flags }) => {
    for await (const { digest, labels } of client.content.walk(scope)) {
      const keys = Object.keys(labels).filter((key) => isLayerReference(key) || oldLayer.test(key));
      if (keys.length === 0) continue;
      if (flags.dry) for (const key of keys) await io.stderr.write(`removing label: digest=${digest} label=${key}\n`);
      else
        await client.content.update(
          scope,
          { digest, labels: Object.fromEntries(keys.map((key) => [key, ''])) },
          keys.map((key) => `labels.${key}`),
        );
    }
    if (flags.dry) return 0;
    // Nothing was deleted by this: the end of a lease is what makes the daemon collect.
    const lease = await client.leases.create(scope, { id: '', labels: {} });
    await client.leases.delete(scope, lease.id, { sync: !flags.async });
    return 0;
  },
});
