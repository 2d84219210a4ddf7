import { invalidArgument } from '#base/errors';
import { pull } from '#client/transfer';
import { defaultPlatform, parsePlatform } from '#lib/platform';
import { flag, list } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { registryFlags, registryOptions } from '../images/registry-flags.ts';
import { TransferDisplay } from '../images/transfer-display.ts';
import { parseNewLabels } from '../output.ts';

export default command({
  name: 'fetch',
  summary: 'fetch all content for an image into containerd',
  args: '[flags] <remote>',
  description: "Fetch an image's content and name it, without unpacking.",
  completes: ['images'],
  flags: {
    ...registryFlags,
    label: list('labels to attach to the image'),
    platform: list('Pull content from a specific platform'),
    'all-platforms': flag('pull content from all platforms'),
    'all-metadata': flag('Pull metadata for all platforms'),
    'skip-metadata': flag('skips metadata for unused platforms, as is the default; cannot be used with --all-metadata'),
    'metadata-only': flag('Pull all metadata including manifests and configs, and no layers'),
  },
  run: async ({ client, scope }, { io, args: [reference], flags }) => {
    if (reference === undefined || reference === '')
      throw invalidArgument('please provide an image reference to fetch');
    if (flags['skip-metadata'] && (flags['all-metadata'] || flags['metadata-only']))
      throw invalidArgument('skip-metadata cannot be used together with flags that ask for metadata');
    const chosen = flags.platform.length > 0 ? flags.platform.map(parsePlatform) : [defaultPlatform()];
    await using registry = await registryOptions(io, reference, flags);
    await using display = new TransferDisplay(io, reference);
    await pull(client, scope, reference, {
      ...registry,
      platforms: flags['all-platforms'] ? 'all' : chosen,
      allMetadata: flags['all-metadata'],
      metadataOnly: flags['metadata-only'],
      labels: parseNewLabels(flags.label),
      unpack: false,
      onProgress: display.observe,
    });
    return 0;
  },
});
