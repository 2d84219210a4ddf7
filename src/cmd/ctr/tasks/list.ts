import { flag } from '../../cli/flags.ts';
import { wide } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { printLines, printTable } from '../output.ts';

export default command({
  name: 'list',
  aliases: ['ls'],
  summary: 'list tasks',
  args: '[flags]',
  flags: { quiet: flag('print only the task id', { alias: 'q' }) },
  run: async ({ client, scope }, { io, flags }) => {
    const tasks = await client.tasks.list(scope);
    if (flags.quiet)
      await printLines(
        io,
        tasks.map(({ id }) => id),
      );
    else
      await printTable(
        io,
        ['TASK\tPID\tSTATUS\t', ...tasks.map(({ id, pid, status }) => `${id}\t${pid}\t${status.toUpperCase()}`)],
        wide,
      );
    return 0;
  },
});
