import { findContainer } from '#ops/container/find';
import { processesOf } from '#ops/container/top';
import { alignTabs, docker } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER [ps OPTIONS]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['containers'],
    interspersed: false,
    flags: {},
    run: async (engine, { io, args: [word = '', ...options] }) => {
      const { titles, rows } = await processesOf(engine, await findContainer(engine, word), options);
      const lines = [titles, ...rows].map((row) => row.join('\t'));
      await io.stdout.write(alignTabs(`${lines.join('\n')}\n`, { ...docker, minWidth: 20 }));
      return 0;
    },
  });
