import { findContainer } from '#ops/container/find';
import { flag, text } from '../../cli/flags.ts';
import { inspectEach } from '../format/inspect.ts';
import { command } from '../globals.ts';
import { inspectedContainer } from './inspected.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER [CONTAINER...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['containers...'],
    flags: {
      format: text("'json' or a Go template", { alias: 'f' }),
      mode: text("'dockercompat', or 'native' for what the daemon keeps", { default: 'dockercompat' }),
      size: flag('Display total file sizes', { alias: 's' }),
    },
    run: (engine, { io, args, flags }) =>
      inspectEach(io, flags.format, args, async (word) =>
        inspectedContainer(engine, await findContainer(engine, word), flags),
      ),
  });
