import { killContainer } from '#ops/container/kill';
import { text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { forEachContainer } from './each.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER [CONTAINER...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['containers...'],
    flags: { signal: text('signal to send to the container', { alias: 's', default: 'KILL' }) },
    run: (engine, { io, args, flags }) =>
      forEachContainer(engine, io, args, async (container, word) => {
        await killContainer(engine, container, flags.signal);
        return word;
      }),
  });
