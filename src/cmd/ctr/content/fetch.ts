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
  flags: {
    ...registryFlags,
    label: list('labels to attach to the image'),
    platform: list('Pull content from a specific platform'),
    'all-platforms': flag('pull content from all platforms'),
    'all-metadata': flag('Pull metadata for all platforms'),
  },
  run: async ({ client, scope }, { io, args: [reference], flags }) => {
    if (reference === undefined || reference === '')
      throw invalidArgument('please provide an image reference to fetch');
    const chosen = flags.platform.length > 0 ? flags.platform.map(parsePlatform) : [defaultPlatform()];
    await using registry = await registryOptions(io, reference, flags);
    await using display = new TransferDisplay(io, reference);
    await pull(client, scope, reference, {
      ...registry,
      platforms: flags['all-platforms'] ? 'all' : chosen,
      allMetadata: flags['all-metadata'],
      labels: parseNewLabels(flags.label),
      unpack: false,
      onProgress: display.observe,
    });
    return 0;
  },
});
