import { wrap } from '#base/errors';
import { command } from '../globals.ts';
import { chosenSnapshotter } from './session.ts';

export default command({
  name: 'delete',
  aliases: ['del', 'remove', 'rm'],
  summary: 'remove snapshots',
  args: '<key> [<key>, ...]',
  completes: ['snapshots...'],
  flags: {},
  run: async (session, { args, globals }) => {
    const snapshotter = await chosenSnapshotter(session, globals);
    for (const key of args) {
      await snapshotter.remove(session.scope, key).catch((thrown: unknown) => {
        throw wrap(thrown, `failed to remove ${JSON.stringify(key)}`);
      });
    }
    return 0;
  },
});
