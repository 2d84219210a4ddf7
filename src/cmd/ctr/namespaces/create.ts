import { invalidArgument } from '#base/errors';
import { command } from '../globals.ts';
import { parseNewLabels } from '../output.ts';

export default command({
  name: 'create',
  aliases: ['c'],
  summary: 'create a new namespace',
  args: '<name> [<key>=<value>]',
  description: 'create a new namespace. it must be unique',
  flags: {},
  run: async ({ client }, { args: [name, ...labels] }) => {
    if (name === undefined || name === '') throw invalidArgument('please specify a namespace');
    await client.namespaces.create({ name, labels: parseNewLabels(labels) });
    return 0;
  },
});
