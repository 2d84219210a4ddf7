import { unpauseContainer } from '#ops/container/pause';
import { command } from '../globals.ts';
import { forEachContainer } from './each.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER [CONTAINER...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['containers...'],
    flags: {},
    run: (engine, { io, args }) =>
      forEachContainer(engine, io, args, async (container, word) => {
        await unpauseContainer(engine, container);
        return word;
      }),
  });
