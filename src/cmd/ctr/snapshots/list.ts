import { narrow } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { printTable } from '../output.ts';
import { chosenSnapshotter } from './session.ts';

export const kindNames = { view: 'View', active: 'Active', committed: 'Committed' } as const;

export default command({
  name: 'list',
  aliases: ['ls'],
  summary: 'list snapshots',
  flags: {},
  run: async (session, { io, globals }) => {
    const snapshotter = await chosenSnapshotter(session, globals);
    const lines = ['KEY\tPARENT\tKIND\t'];
    for await (const { name, parent, kind } of snapshotter.walk(session.scope))
      lines.push(`${name}\t${parent}\t${kindNames[kind]}\t`);
    await printTable(io, lines, narrow);
    return 0;
  },
});
