import { findContainer } from '#ops/container/find';
import { checkHealth } from '#ops/container/healthcheck';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER',
    arity: [1, 1],
    completes: ['containers'],
    flags: {},
    run: async (engine, { io, args: [word = ''] }) => {
      const { ExitCode, Output } = await checkHealth(engine, await findContainer(engine, word));
      if (Output !== '') await io.stdout.write(Output.endsWith('\n') ? Output : `${Output}\n`);
      return ExitCode === 0 ? 0 : 1;
    },
  });
