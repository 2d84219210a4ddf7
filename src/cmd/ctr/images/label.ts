import { invalidArgument } from '#base/errors';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { formatLabels, parseLabels, printLine } from '../output.ts';

export default command({
  name: 'label',
  summary: 'set and clear labels for an image',
  args: '[flags] <name> [<key>=<value>, ...]',
  description: 'set and clear labels for an image',
  completes: ['images'],
  flags: { 'replace-all': flag('replace all labels', { alias: 'r' }) },
  run: async ({ client, scope }, { io, args: [name, ...pairs], flags }) => {
    if (name === undefined || name === '') throw invalidArgument('please specify an image');
    const labels = parseLabels(pairs);
    const fields = flags['replace-all'] ? ['labels'] : Object.keys(labels).map((key) => `labels.${key}`);
    const image = await client.images.get(scope, name);
    const updated = fields.length === 0 ? image : await client.images.update(scope, { ...image, labels }, fields);
    await printLine(io, formatLabels(updated.labels, ''));
    return 0;
  },
});
