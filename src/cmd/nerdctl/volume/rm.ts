import { isFault } from '#base/errors';
import { removeVolume } from '#ops/volume/remove';
import { flag } from '../../cli/flags.ts';
import { forEach } from '../container/each.ts';
import { command } from '../globals.ts';

export const rm = command({
  name: 'rm',
  aliases: ['remove'],
  summary: 'remove volumes that no container has',
  args: 'VOLUME [VOLUME...]',
  arity: [1, Number.POSITIVE_INFINITY],
  completes: ['volumes...'],
  flags: { force: flag('one that is not there is no error', { alias: 'f' }) },
  run: (engine, { io, args, flags }) =>
    forEach(io, args, async (name) => {
      try {
        await removeVolume(engine, name);
      } catch (thrown) {
        if (!flags.force || !isFault(thrown, 'not_found')) throw thrown;
      }
      return name;
    }),
});
