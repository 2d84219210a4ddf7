import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { invalidArgument } from '#base/errors';
import { releaseLayers } from '#client/release-layers';
import { importImages } from '#client/transfer';
import { defaultPlatform, parsePlatform } from '#lib/platform';
import { flag, list, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { parseNewLabels, printLine } from '../output.ts';
import { snapshotterFlag } from '../snapshotter-flag.ts';
import { performerOf } from './performer.ts';

export default command({
  name: 'import',
  summary: 'import images',
  args: '[flags] <in>',
  description:
    'Take in an archive: an OCI layout or what docker save writes, plain or compressed; - is standard input.',
  completes: ['files'],
  flags: {
    'base-name': text('base image name for added images, when provided only images with this name prefix are imported'),
    digests: flag('whether to create digest images (default: false)'),
    'skip-digest-for-named': flag(
      'skip applying --digests option to images named in the importing tar (use it in conjunction with --digests)',
    ),
    'index-name': text('image name to keep index as, by default index is discarded'),
    'all-platforms': flag('imports content for all platforms, false by default'),
    platform: text('imports content for specific platform'),
    'no-unpack': flag('skip unpacking the images, false by default'),
    'compress-blobs': flag('compress uncompressed blobs when creating manifest (Docker format only)'),
    snapshotter: snapshotterFlag,
    label: list('labels to attach to the image'),
    'discard-unpacked-layers': flag(
      'allow the garbage collector to clean layers up from the content store after unpacking, cannot be used with --no-unpack, false by default',
    ),
    'sync-fs': flag(
      'Synchronize the underlying filesystem containing files when unpack images, false by default; ctr imports by itself then',
    ),
    local: flag('Run import locally rather than through transfer API'),
  },
  run: async ({ client, scope }, { io, args: [path], flags }) => {
    if (path === undefined || path === '') throw invalidArgument('please provide an archive to import');
    if (flags['skip-digest-for-named'] && !flags.digests)
      throw invalidArgument('--skip-digest-for-named must be specified with --digests option');
    const discard = flags['discard-unpacked-layers'];
    if (discard && flags['no-unpack'])
      throw invalidArgument('discard-unpacked-layers and no-unpack cannot be used together');
    const base = flags['base-name'] || `import-${new Date().toISOString().slice(0, 10)}`;
    const images = await importImages(
      client,
      scope,
      path === '-' ? io.stdin : readArchive(await open(resolve(io.cwd, path))),
      {
        indexName: flags['index-name'],
        names: [
          {
            name: base,
            isPrefix: true,
            allowOverwrite: flags['base-name'] === '',
            addDigest: flags.digests,
            skipNamedDigest: flags['skip-digest-for-named'],
          },
        ],
        platforms: flags['all-platforms']
          ? 'all'
          : [flags.platform === '' ? defaultPlatform() : parsePlatform(flags.platform)],
        unpack: !flags['no-unpack'],
        forceCompress: flags['compress-blobs'],
        snapshotter: flags.snapshotter,
        labels: parseNewLabels(flags.label),
        syncFs: flags['sync-fs'],
        ...performerOf(flags),
      },
    );
    if (discard) for (const { target } of images) await releaseLayers(client.content, scope, target);
    for (const { name, target } of images)
      await printLine(io, flags['no-unpack'] ? name : `unpacking ${name} (${target.digest})...done`);
    return 0;
  },
});

/** Piece by piece, so that only what is on its way is in memory. Closes the file. */
async function* readArchive(file: FileHandle): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const piece = new Uint8Array(1 << 20);
      const { bytesRead } = await file.read(piece, 0, piece.length, null);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
