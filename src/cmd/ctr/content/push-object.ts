import { invalidArgument } from '#base/errors';
import { readBlob } from '#core/images/image-content';
import { parseDigest } from '#lib/digest';
import { maxManifestBytes } from '#lib/oci/manifest';
import { isIndexType, isManifestType } from '#lib/oci/media-types';
import { command } from '../globals.ts';
import { registryFlags } from '../images/registry-flags.ts';
import { openRepository } from '../images/registry-repository.ts';
import { printLine } from '../output.ts';

const chunk = 1 << 20;

export default command({
  name: 'push-object',
  summary: 'push an object to a remote',
  args: '[flags] <remote> <object> <type>',
  description:
    'Push objects by identifier to a remote: the object is a digest in the content store, the type its media type.',
  completes: ['images', 'content'],
  flags: registryFlags,
  run: async ({ client, scope }, { io, args: [remote, object, mediaType = ''], flags }) => {
    if (remote === undefined || remote === '') throw invalidArgument('please provide a remote reference');
    const digest = parseDigest(object ?? '');
    const { size } = await client.content.info(scope, digest);
    const descriptor = { mediaType, digest, size };
    await using open = await openRepository(io, remote, flags);
    const { repository, reference } = open;
    if (isManifestType(mediaType) || isIndexType(mediaType)) {
      const bytes = await readBlob(client.content, scope, descriptor, maxManifestBytes);
      await repository.pushManifest(reference.digest ?? reference.tag ?? digest, descriptor, bytes, scope.signal);
    } else {
      await using blob = await client.content.open(scope, digest);
      const source = async function* (offset: number) {
        for (let at = offset; at < size; ) {
          const bytes = await blob.read(at, Math.min(chunk, size - at));
          if (bytes.length === 0) return;
          yield bytes;
          at += bytes.length;
        }
      };
      await repository.pushBlob(descriptor, source, { signal: scope.signal });
    }
    await printLine(io, `Pushed ${digest} ${mediaType}`);
    return 0;
  },
});
