import { isFault, messageOf } from '#base/errors';
import { parseDigest } from '#lib/digest';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';

export default command({
  name: 'delete',
  aliases: ['del', 'remove', 'rm'],
  summary: 'permanently delete one or more blobs',
  args: '[<digest>, ...]',
  description: 'Delete one or more blobs permanently. Successfully deleted\n  blobs are printed to stdout.',
  completes: ['content...'],
  flags: {},
  run: async ({ client, scope }, { io, args }) => {
    let failed: unknown;
    for (const word of args) {
      try {
        await client.content.delete(scope, parseDigest(word));
        await printLine(io, word);
      } catch (thrown) {
        await io.stderr.write(`failed to delete ${word}: ${messageOf(thrown)}\n`);
        if (!isFault(thrown, 'not_found')) failed ??= thrown;
      }
    }
    if (failed !== undefined) throw failed;
    return 0;
  },
});
