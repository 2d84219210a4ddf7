import { findImage } from '#ops/image/find';
import { text } from '../../cli/flags.ts';
import { inspectEach } from '../format/inspect.ts';
import { command } from '../globals.ts';
import { inspectedImage } from './inspected.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'IMAGE [IMAGE...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['images...'],
    flags: {
      format: text("'json' or a Go template", { alias: 'f' }),
      mode: text("'dockercompat', or 'native' for what the daemon keeps", { default: 'dockercompat' }),
      platform: text('of an image that has several: os[/arch[/variant]]'),
    },
    run: (engine, { io, args, flags }) =>
      inspectEach(io, flags.format, args, async (word) => inspectedImage(engine, await findImage(engine, word), flags)),
  });
