import { formatTimestamp } from '#base/timestamp';
import { flag } from '../../cli/flags.ts';
import { narrow } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { formatLabels, printLines, printTable } from '../output.ts';

export default command({
  name: 'list',
  aliases: ['ls'],
  summary: 'list all active leases',
  args: '[flags] <filter>',
  description: 'list active leases by containerd',
  flags: { quiet: flag('print only the blob digest', { alias: 'q' }) },
  run: async ({ client, scope }, { io, args, flags }) => {
    const leases = await client.leases.list(scope, args);
    if (flags.quiet)
      await printLines(
        io,
        leases.map(({ id }) => id),
      );
    else {
      const rows = leases.map(
        ({ id, createdAt, labels }) =>
          `${id}\t${formatTimestamp(createdAt)
            .replace(/\.?0*Z$/, 'Z')
            .replace(/\.\d+Z$/, 'Z')}\t${formatLabels(labels, '-')}\t`,
      );
      await printTable(io, ['ID\tCREATED AT\tLABELS\t', ...rows], narrow);
    }
    return 0;
  },
});
