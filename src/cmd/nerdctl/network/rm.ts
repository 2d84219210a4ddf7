import { isFault } from '#base/errors';
import { removeNetworkOf } from '#ops/networks/remove';
import { flag } from '../../cli/flags.ts';
import { forEach } from '../container/each.ts';
import { command } from '../globals.ts';

export const rm = command({
  name: 'rm',
  aliases: ['remove'],
  summary: 'remove networks',
  args: 'NETWORK [NETWORK...]',
  arity: [1, Number.POSITIVE_INFINITY],
  completes: ['networks...'],
  flags: { force: flag('one that is not there is no error', { alias: 'f' }) },
  run: (engine, { io, args, flags }) =>
    forEach(io, args, async (word) => {
      try {
        return await removeNetworkOf(engine, word);
      } catch (thrown) {
        if (flags.force && isFault(thrown, 'not_found')) return '';
        throw thrown;
      }
    }),
});
