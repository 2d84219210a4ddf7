import { stopContainer } from '#ops/container/stop';
import { number, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { forEachContainer } from './each.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER [CONTAINER...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['containers...'],
    flags: {
      signal: text('signal to send to the container', { alias: 's' }),
      time: number('seconds to wait before killing the container', { alias: ['t', 'timeout'] }),
    },
    run: (engine, { io, args, flags, given }) => {
      const options = { signal: flags.signal, ...(given.has('time') && { timeout: flags.time }) };
      return forEachContainer(engine, io, args, async (container, word) => {
        await stopContainer(engine, container, options);
        return word;
      });
    },
  });
