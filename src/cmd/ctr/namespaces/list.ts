import { flag } from '../../cli/flags.ts';
import { narrow } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { formatLabels, printLines, printTable } from '../output.ts';

export default command({
  name: 'list',
  aliases: ['ls'],
  summary: 'list namespaces',
  args: '[flags]',
  description: 'list namespaces',
  flags: { quiet: flag('print only the namespace name', { alias: 'q' }) },
  run: async ({ client }, { io, flags }) => {
    const namespaces = await client.namespaces.list();
    if (flags.quiet)
      await printLines(
        io,
        namespaces.map(({ name }) => name),
      );
    else
      await printTable(
        io,
        ['NAME\tLABELS\t', ...namespaces.map(({ name, labels }) => `${name}\t${formatLabels(labels, '')}\t`)],
        narrow,
      );
    return 0;
  },
});
