import { invalidArgument, isFault } from '#base/errors';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';

export default command({
  name: 'delete',
  aliases: ['del', 'remove', 'rm'],
  summary: 'delete a lease',
  args: '[flags] <lease id> ...',
  description: 'delete a lease',
  completes: ['leases...'],
  flags: { sync: flag('Synchronously remove leases and all unreferenced resources') },
  run: async ({ client, scope }, { io, args, flags }) => {
    if (args.length === 0) throw invalidArgument('lease id must be provided');
    for (const [at, id] of args.entries()) {
      try {
        // One collection for all: with the last.
        await client.leases.delete(scope, id, { sync: flags.sync && at === args.length - 1 });
      } catch (thrown) {
        if (!isFault(thrown, 'not_found')) throw thrown;
        await io.stderr.write(`lease ${id}: not found\n`);
        continue;
      }
      await printLine(io, id);
    }
    return 0;
  },
});
