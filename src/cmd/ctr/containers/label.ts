import { invalidArgument } from '#base/errors';
import { command } from '../globals.ts';
import { formatLabels, parseLabels, printLine } from '../output.ts';

export default command({
  name: 'label',
  summary: 'set and clear labels for a container',
  args: '[flags] CONTAINER [<key>=<value>, ...]',
  description: 'set and clear labels for a container',
  completes: ['containers'],
  flags: {},
  run: async ({ client, scope }, { io, args: [id, ...pairs] }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    const labels = parseLabels(pairs);
    const fields = Object.keys(labels).map((key) => `labels.${key}`);
    const container = await client.containers.get(scope, id);
    const updated =
      fields.length === 0 ? container : await client.containers.update(scope, { ...container, labels }, fields);
    await printLine(io, formatLabels(updated.labels, ''));
    return 0;
  },
});
