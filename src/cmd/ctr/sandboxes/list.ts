import { wrap } from '#base/errors';
import { list } from '../../cli/flags.ts';
import { narrow } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { goTime, printTable } from '../output.ts';

export default command({
  name: 'list',
  aliases: ['ls'],
  summary: 'list sandboxes',
  flags: { filters: list('the list of filters to apply when querying sandboxes from the store') },
  run: async ({ client, scope }, { io, flags }) => {
    const sandboxes = await client.sandboxes.list(scope, flags.filters).catch((thrown: unknown) => {
      throw wrap(thrown, 'failed to list sandboxes');
    });
    const rows = sandboxes.map(({ id, createdAt, runtime }) => `${id}\t${goTime(createdAt)}\t${runtime.name}\t`);
    await printTable(io, ['ID\tCREATED\tRUNTIME\t', ...rows], narrow);
    return 0;
  },
});
