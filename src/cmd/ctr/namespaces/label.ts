import { invalidArgument } from '#base/errors';
import { command } from '../globals.ts';
import { parseLabels } from '../output.ts';

export default command({
  name: 'label',
  summary: 'set and clear labels for a namespace',
  args: '<name> [<key>=<value>, ...]',
  description: 'set and clear labels for a namespace. empty value clears the label',
  completes: ['namespaces'],
  flags: {},
  run: async ({ client }, { args: [name, ...words] }) => {
    if (name === undefined || name === '') throw invalidArgument('please specify a namespace');
    const labels = parseLabels(words);
    for (const [key, value] of Object.entries(labels)) {
      await client.namespaces.update({ name, labels: { [key]: value } }, [`labels.${key}`]);
    }
    return 0;
  },
});
