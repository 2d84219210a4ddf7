import { isFault, messageOf } from '#base/errors';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';

export default command({
  name: 'delete',
  aliases: ['del', 'remove', 'rm'],
  summary: 'remove one or more images by reference',
  args: '[flags] <ref> [<ref>, ...]',
  description: 'remove one or more images by reference',
  completes: ['images...'],
  flags: { sync: flag('Synchronously remove image and all associated resources') },
  run: async ({ client, scope }, { io, args, flags }) => {
    let failed: unknown;
    for (const [at, name] of args.entries()) {
      try {
        // One collection for all: with the last.
        await client.images.delete(scope, name, { sync: flags.sync && at === args.length - 1 });
      } catch (thrown) {
        if (!isFault(thrown, 'not_found')) {
          failed ??= thrown;
          await io.stderr.write(`unable to delete ${name}: ${messageOf(thrown)}\n`);
          continue;
        }
        await io.stderr.write(`${name}: image not found\n`); // gone is what was wanted
      }
      await printLine(io, name);
    }
    if (failed !== undefined) throw failed;
    return 0;
  },
});
