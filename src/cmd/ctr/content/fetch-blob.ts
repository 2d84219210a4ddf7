import { invalidArgument } from '#base/errors';
import { parseDigest } from '#lib/digest';
import { text } from '../../cli/flags.ts';
import { localCommand } from '../globals.ts';
import { registryFlags } from '../images/registry-flags.ts';
import { openRepository } from '../images/registry-repository.ts';

export default localCommand({
  name: 'fetch-blob',
  summary: 'retrieve blobs from a remote',
  args: '[flags] <remote> [<digest>, ...]',
  description: 'Fetch blobs by digests from a remote, and print them one after the other.',
  completes: ['images', 'content...'],
  flags: { ...registryFlags, 'media-type': text('specify target mediatype for request header') },
  run: async ({ io, args: [remote, ...words], flags }) => {
    if (remote === undefined || remote === '') throw invalidArgument('please provide a remote reference');
    if (words.length === 0) throw invalidArgument('please provide at least one digest');
    const digests = words.map(parseDigest);
    await using open = await openRepository(io, remote, flags);
    for (const digest of digests) {
      const found = await open.repository.find(digest, flags['media-type'], io.signal);
      if (found.isManifest) await io.stdout.write(await open.repository.manifest(found, io.signal));
      else for await (const bytes of open.repository.blob(found, 0, io.signal)) await io.stdout.write(bytes);
    }
    return 0;
  },
});
