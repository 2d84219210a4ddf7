import { createContainer } from '#ops/container/create';
import { flag, text } from '../../cli/flags.ts';
import { Exit } from '../../cli/io.ts';
import { command } from '../globals.ts';
import { createOptions } from './create-options.ts';
import { pullNotice } from './create-pull.ts';
import { containerFlags } from './run-flags.ts';

const unattached = 'nobody is attached to a container that is only made';
const ofRun = {
  'detach-keys': text('', { refused: unattached }),
  'sig-proxy': flag('', { refused: unattached }),
};

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'IMAGE [COMMAND] [ARG...]',
    arity: [1, Number.POSITIVE_INFINITY],
    interspersed: false,
    completes: ['images'],
    flags: { ...containerFlags, ...ofRun },
    run: async (engine, invocation) => {
      const { io, flags } = invocation;
      const options = await createOptions(invocation);
      if (options.image === '') throw new Exit(125, 'invalid reference format');
      const { id, warnings } = await createContainer(engine, { ...options, ...pullNotice(io, flags.quiet) });
      for (const warning of warnings) await io.stderr.write(`WARNING: ${warning}\n`);
      await io.stdout.write(`${id}\n`);
      return 0;
    },
  });
