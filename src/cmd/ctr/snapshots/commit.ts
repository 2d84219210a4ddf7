import { invalidArgument } from '#base/errors';
import { command } from '../globals.ts';
import { chosenSnapshotter } from './session.ts';

export default command({
  name: 'commit',
  summary: 'commit an active snapshot into the provided name',
  args: '<key> <active>',
  completes: ['', 'snapshots'],
  flags: {},
  run: async (session, { args: [name, active, ...more], globals }) => {
    if (name === undefined || active === undefined || more.length > 0) throw invalidArgument('needs two arguments');
    const snapshotter = await chosenSnapshotter(session, globals);
    const labels = { 'containerd.io/gc.root': new Date().toISOString().replace(/\.\d+Z$/, 'Z') };
    await snapshotter.commit(session.scope, name, active, { labels });
    return 0;
  },
});
