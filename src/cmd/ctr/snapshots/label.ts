import { invalidArgument } from '#base/errors';
import { command } from '../globals.ts';
import { formatLabels, parseLabels, printLine } from '../output.ts';
import { chosenSnapshotter } from './session.ts';

export default command({
  name: 'label',
  summary: 'add labels to content',
  args: '<name> [<label>=<value> ...]',
  description: 'labels snapshots in the snapshotter',
  completes: ['snapshots'],
  flags: {},
  run: async (session, { io, args: [name, ...pairs], globals }) => {
    if (name === undefined) throw invalidArgument('name must be specified');
    const labels = parseLabels(pairs);
    const snapshotter = await chosenSnapshotter(session, globals);
    const fields = Object.keys(labels).map((key) => `labels.${key}`);
    const info =
      fields.length === 0
        ? await snapshotter.stat(session.scope, name)
        : await snapshotter.update(session.scope, { name, labels }, fields);
    await printLine(io, formatLabels(info.labels, ''));
    return 0;
  },
});
