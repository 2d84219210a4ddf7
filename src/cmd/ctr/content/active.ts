import { toMillis } from '#base/timestamp';
import { formatAge, formatDecimalBytes } from '../../cli/humanize.ts';
import { tabbed } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { printTable } from '../output.ts';

export default command({
  name: 'active',
  summary: 'display active transfers',
  args: '[flags] [<regexp>]',
  description: 'display the ongoing transfers',
  flags: {},
  run: async ({ client, scope }, { io, args: [pattern] }) => {
    const filters = pattern === undefined ? [] : [`ref~=${JSON.stringify(pattern)}`];
    const active = await client.content.statuses(scope, filters);
    const rows = active.map(
      ({ ref, offset, startedAt }) =>
        `${ref}\t${formatDecimalBytes(offset)}\t${formatAge(Date.now() - toMillis(startedAt))}\t`,
    );
    await printTable(io, ['REF\tSIZE\tAGE\t', ...rows], tabbed);
    return 0;
  },
});
