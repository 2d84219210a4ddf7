import { toMillis } from '#base/timestamp';
import { flag } from '../../cli/flags.ts';
import { formatAge, formatDecimalBytes } from '../../cli/humanize.ts';
import { tabbed } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { formatLabels, printLine, printTable } from '../output.ts';

export default command({
  name: 'list',
  aliases: ['ls'],
  summary: 'list all blobs in the store',
  args: '[flags]',
  description: 'list blobs in the content store',
  flags: { quiet: flag('print only the blob digest', { alias: 'q' }) },
  run: async ({ client, scope }, { io, args, flags }) => {
    const lines = ['DIGEST\tSIZE\tAGE\tLABELS'];
    for await (const { digest, size, createdAt, labels } of client.content.walk(scope, args)) {
      if (flags.quiet) await printLine(io, digest);
      else
        lines.push(
          `${digest}\t${formatDecimalBytes(size)}\t${formatAge(Date.now() - toMillis(createdAt))}\t${formatLabels(labels, '-')}`,
        );
    }
    if (!flags.quiet) await printTable(io, lines, tabbed);
    return 0;
  },
});
