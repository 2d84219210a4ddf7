import { invalidArgument } from '#base/errors';
import { formatTimestamp } from '#base/timestamp';
import { ctrJson } from '#lib/go-json';
import { command } from '../globals.ts';
import { kindNames } from './list.ts';
import { chosenSnapshotter } from './session.ts';

export default command({
  name: 'info',
  summary: 'get info about a snapshot',
  args: '<key>',
  completes: ['snapshots'],
  flags: {},
  run: async (session, { io, args: [key, ...more], globals }) => {
    if (key === undefined || more.length > 0) throw invalidArgument('needs one argument');
    const snapshotter = await chosenSnapshotter(session, globals);
    const { name, parent, kind, labels, createdAt, updatedAt } = await snapshotter.stat(session.scope, key);
    await io.stdout.write(
      ctrJson({
        Kind: kindNames[kind],
        Name: name,
        ...(parent === '' ? {} : { Parent: parent }),
        ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
        Created: formatTimestamp(createdAt),
        Updated: formatTimestamp(updatedAt),
      }),
    );
    return 0;
  },
});
