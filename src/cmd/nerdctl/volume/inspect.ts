import { inspectVolume } from '#ops/volume/inspect';
import { flag, text } from '../../cli/flags.ts';
import { inspectEach } from '../format/inspect.ts';
import { command } from '../globals.ts';

export const inspect = command({
  name: 'inspect',
  summary: 'show volumes',
  args: 'VOLUME [VOLUME...]',
  arity: [1, Number.POSITIVE_INFINITY],
  completes: ['volumes...'],
  flags: {
    format: text('json, or a template', { alias: 'f' }),
    size: flag('how much is in them', { alias: 's' }),
  },
  run: (engine, { io, args, flags }) =>
    inspectEach(io, flags.format, args, (word) => inspectVolume(engine, word, { size: flags.size })),
});
