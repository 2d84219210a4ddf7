import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { invalidArgument } from '#base/errors';
import { exportImages } from '#client/transfer';
import { defaultPlatform, parsePlatform } from '#lib/platform';
import { flag, list } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { performerOf } from './performer.ts';

export default command({
  name: 'export',
  summary: 'export images',
  args: '[flags] <out> <image> ...',
  description: 'Write images as an archive that both OCI tools and docker load read; - is standard output.',
  completes: ['files', 'images...'],
  flags: {
    'skip-manifest-json': flag('do not add Docker compatible manifest.json to archive'),
    'skip-non-distributable': flag('do not add non-distributable blobs such as Windows layers to archive'),
    platform: list('Pull content from a specific platform'),
    'all-platforms': flag('exports content from all platforms'),
    local: flag('Run export locally rather than through transfer API'),
  },
  run: async ({ client, scope }, { io, args: [out, ...names], flags }) => {
    if (out === undefined || out === '' || names.length === 0)
      throw invalidArgument('please provide both an output filename and an image reference to export');
    const chosen = flags.platform.length > 0 ? flags.platform.map(parsePlatform) : [defaultPlatform()];
    const archive = exportImages(client, scope, names, {
      platforms: flags['all-platforms'] ? 'all' : chosen,
      skipDockerManifest: flags['skip-manifest-json'],
      skipNonDistributable: flags['skip-non-distributable'],
      ...performerOf(flags),
    });
    if (out === '-') for await (const bytes of archive) await io.stdout.write(bytes);
    else await writeArchive(resolve(io.cwd, out), archive);
    return 0;
  },
});

/**
 * Half an archive would be taken for a whole one: it goes when the export fails, unless it went to a device or a pipe, which is not ours to remove.
 * @internal for tests
 */
export async function writeArchive(path: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'w');
  try {
    for await (const bytes of archive) await file.writeFile(bytes);
    await file.close();
  } catch (thrown) {
    const plain = (await file.stat()).isFile();
    await file.close();
    if (plain) await rm(path, { force: true });
    throw thrown;
  }
}
