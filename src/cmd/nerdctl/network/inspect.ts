import { inspectNetwork, inspectNetworkFile } from '#ops/networks/inspect';
import { flag, text } from '../../cli/flags.ts';
import { Exit } from '../../cli/io.ts';
import { inspectEach } from '../format/inspect.ts';
import { command } from '../globals.ts';

export const inspect = command({
  name: 'inspect',
  summary: 'show networks',
  args: 'NETWORK [NETWORK...]',
  arity: [1, Number.POSITIVE_INFINITY],
  completes: ['networks...'],
  flags: {
    format: text('json, or a template', { alias: 'f' }),
    mode: text('dockercompat, or native: as it stands on disk', { default: 'dockercompat' }),
    verbose: flag('the same: there is no swarm of which more could be told', { alias: 'v' }),
  },
  run: async (engine, { io, args, flags }) => {
    const { mode } = flags;
    if (mode !== 'dockercompat' && mode !== 'native') throw new Exit(1, `unknown mode ${JSON.stringify(mode)}`);
    const find = mode === 'native' ? inspectNetworkFile : inspectNetwork;
    return await inspectEach(io, flags.format, args, (word) => find(engine, word));
  },
});
