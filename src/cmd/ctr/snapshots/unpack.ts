import { notFound } from '#base/errors';
import { manifestFor } from '#core/images/image-content';
import { parseDigest } from '#lib/digest';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import type { Values } from '../../cli/flags.ts';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';
import { snapshotterFlag } from '../snapshotter-flag.ts';
import type { snapshotFlags } from './session.ts';

export default command({
  name: 'unpack',
  summary: 'unpack applies layers from a manifest to a snapshot',
  args: '[flags] <digest>',
  completes: ['content'],
  flags: {
    'sync-fs': flag('synchronize the underlying filesystem containing files when unpack images, false by default'),
    snapshotter: snapshotterFlag,
  },
  run: async ({ client, scope }, { io, args: [word = ''], flags, globals }) => {
    const digest = parseDigest(word);
    const image = (await client.images.list(scope)).find(({ target }) => target.digest === digest);
    if (image === undefined) throw notFound(`manifest ${digest}`);
    const found = await manifestFor(client.content, scope, image.target, onlyPlatform(defaultPlatform()));
    const outer = (globals as Partial<Values<typeof snapshotFlags>>).snapshotter ?? '';
    await io.stdout.write(`unpacking ${digest} (${image.target.mediaType})...`);
    try {
      await (await import('#client/unpack')).unpackImage(client, scope, found, flags.snapshotter || outer, {
        syncFs: flags['sync-fs'],
      });
    } catch (thrown) {
      await printLine(io, '');
      throw thrown;
    }
    await printLine(io, 'done');
    return 0;
  },
});
