import { flag } from '../../cli/flags.ts';
import { wide } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { printLines, printTable } from '../output.ts';

export default command({
  name: 'list',
  aliases: ['ls'],
  summary: 'list containers',
  args: '[flags] [<filter>, ...]',
  completes: ['containers...'],
  flags: { quiet: flag('print only the container id', { alias: 'q' }) },
  run: async ({ client, scope }, { io, args, flags }) => {
    const containers = await client.containers.list(scope, args);
    if (flags.quiet)
      await printLines(
        io,
        containers.map(({ id }) => id),
      );
    else
      await printTable(
        io,
        [
          'CONTAINER\tIMAGE\tRUNTIME\t',
          ...containers.map(({ id, image, runtime }) => `${id}\t${image || '-'}\t${runtime.name}\t`),
        ],
        wide,
      );
    return 0;
  },
});
