import { invalidArgument } from '#base/errors';
import { pull } from '#client/transfer';
import { rootSnapshot } from '#client/unpacked';
import { defaultPlatform, formatPlatform, onlyPlatform, type Platform, parsePlatform } from '#lib/platform';
import { formatElapsed } from '../../cli/elapsed.ts';
import { flag, list, number } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { parseNewLabels, printLine } from '../output.ts';
import { snapshotterFlag } from '../snapshotter-flag.ts';
import { atLeastOne } from './at-least-one.ts';
import { performerOf } from './performer.ts';
import { registryFlags, registryOptions } from './registry-flags.ts';
import { TransferDisplay } from './transfer-display.ts';

export default command({
  name: 'pull',
  summary: 'pull an image from a remote',
  args: '[flags] <ref>',
  description: 'Fetch an image, unpack it and name it: the daemon does it, or ctr itself where the daemon cannot.',
  completes: ['images'],
  flags: {
    ...registryFlags,
    snapshotter: snapshotterFlag,
    label: list('labels to attach to the image'),
    platform: list('Pull content from a specific platform'),
    'all-platforms': flag('pull content and metadata from all platforms'),
    'all-metadata': flag('Pull metadata for all platforms'),
    'skip-metadata': flag('skips metadata for unused platforms, as is the default; cannot be used with --all-metadata'),
    'print-chainid': flag("Print the resulting image's chain ID"),
    'max-concurrent-downloads': number('Set the max concurrent downloads for each pull; ctr fetches by itself then'),
    'sync-fs': flag(
      'Synchronize the underlying filesystem containing files when unpack images, false by default; ctr fetches by itself then',
    ),
    local: flag('Fetch content from local client rather than using transfer service'),
  },
  run: async ({ client, scope }, { io, args: [reference], flags }) => {
    if (reference === undefined || reference === '') throw invalidArgument('please provide an image reference to pull');
    if (flags['skip-metadata'] && flags['all-metadata'])
      throw invalidArgument('all-metadata and skip-metadata cannot be used together');
    const most = flags['max-concurrent-downloads'];
    const limit = most === 0 ? {} : { maxDownloads: atLeastOne('max-concurrent-downloads', most) };
    const platforms: readonly Platform[] =
      flags.platform.length > 0 ? flags.platform.map(parsePlatform) : [defaultPlatform()];
    await using registry = await registryOptions(io, reference, flags);
    const started = performance.now();
    const image = await showing();
    for (const platform of flags['all-platforms'] ? [defaultPlatform()] : platforms) {
      await printLine(io, `unpacking ${formatPlatform(platform)} ${image.target.digest}...`);
      if (flags['print-chainid'])
        await printLine(
          io,
          `image chain ID: ${await rootSnapshot(client, scope, image.target, onlyPlatform(platform))}`,
        );
    }
    await printLine(io, `done: ${formatElapsed(performance.now() - started)}\t`);
    return 0;

    async function showing() {
      await using display = new TransferDisplay(io, reference as string);
      return await pull(client, scope, reference as string, {
        ...registry,
        ...performerOf(flags),
        platforms: flags['all-platforms'] ? 'all' : platforms,
        allMetadata: flags['all-metadata'],
        labels: parseNewLabels(flags.label),
        snapshotter: flags.snapshotter,
        syncFs: flags['sync-fs'],
        ...limit,
        onProgress: display.observe,
      });
    }
  },
});
