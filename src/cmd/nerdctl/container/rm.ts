import { isFault, messageOf } from '#base/errors';
import { findContainer } from '#ops/container/find';
import { removeContainer } from '#ops/container/remove';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { forEach } from './each.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER [CONTAINER...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['containers...'],
    flags: {
      force: flag('remove a container that runs, too', { alias: 'f' }),
      link: flag('', { alias: 'l', refused: 'there are no links between containers' }),
      volumes: flag('remove its anonymous volumes with it', { alias: 'v' }),
    },
    run: (engine, { io, args, flags }) =>
      forEach(io, args, async (word) => {
        try {
          await removeContainer(engine, await findContainer(engine, word), flags);
          return word;
        } catch (thrown) {
          // What is to be gone by all means is gone.
          if (!flags.force || !isFault(thrown, 'not_found')) throw thrown;
          await io.stderr.write(`Error: ${messageOf(thrown).replace(/: not found$/, '')}\n`);
          return '';
        }
      }),
  });
