import { invalidArgument } from '#base/errors';
import { push } from '#client/transfer';
import { parseDigest } from '#lib/digest';
import { parsePlatform } from '#lib/platform';
import { flag, list, number, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { atLeastOne } from './at-least-one.ts';
import { performerOf } from './performer.ts';
import { registryFlags, registryOptions } from './registry-flags.ts';
import { TransferDisplay } from './transfer-display.ts';

export default command({
  name: 'push',
  summary: 'push an image to a remote',
  args: '[flags] <remote> [<local>]',
  description: 'Send an image to a registry: what the registry has already is not sent again.',
  completes: ['images', 'images'],
  flags: {
    ...registryFlags,
    manifest: text('digest of manifest'),
    'manifest-type': text('media type of manifest digest', { default: 'application/vnd.oci.image.manifest.v1+json' }),
    platform: list('push content from a specific platform'),
    'max-concurrent-uploaded-layers': number(
      'Set the max concurrent uploaded layers for each push; ctr sends by itself then',
    ),
    'allow-non-distributable-blobs': flag(
      'Allow pushing blobs that are marked as non-distributable; ctr sends by itself then',
    ),
    local: flag('Push content from local client rather than using transfer service'),
  },
  run: async ({ client, scope }, { io, args: [remote, local = remote], flags }) => {
    if (remote === undefined || remote === '') throw invalidArgument('please provide a remote image reference to push');
    await using registry = await registryOptions(io, remote, flags);
    const options = {
      ...registry,
      ...performerOf(flags),
      nonDistributable: flags['allow-non-distributable-blobs'],
      ...(flags['max-concurrent-uploaded-layers'] === 0
        ? {}
        : {
            maxUploads: atLeastOne('max-concurrent-uploaded-layers', flags['max-concurrent-uploaded-layers']),
          }),
      ...(flags.platform.length === 0 ? {} : { platforms: flags.platform.map(parsePlatform) }),
    };
    await using display = new TransferDisplay(io, remote);
    if (flags.manifest === '') {
      await push(client, scope, remote, { ...options, name: local as string, onProgress: display.observe });
      return 0;
    }
    // The transfer pushes images: the manifest gets a name for as long as it takes.
    await using lease = await client.lease(scope);
    const digest = parseDigest(flags.manifest);
    const { size } = await client.content.info(scope, digest);
    const name = `push-${lease.id}`;
    await client.images.create(lease.scope, {
      name,
      target: { mediaType: flags['manifest-type'], digest, size },
      labels: {},
    });
    try {
      await push(client, scope, remote, { ...options, name, onProgress: display.observe });
    } finally {
      await client.images.delete({ ...scope, signal: AbortSignal.timeout(30_000) }, name);
    }
    return 0;
  },
});
