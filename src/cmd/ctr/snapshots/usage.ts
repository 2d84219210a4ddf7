import { flag } from '../../cli/flags.ts';
import { formatBytes } from '../../cli/humanize.ts';
import { narrow } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { printTable } from '../output.ts';
import { chosenSnapshotter } from './session.ts';

export default command({
  name: 'usage',
  summary: 'usage snapshots',
  args: '[flags] [<key>, ...]',
  completes: ['snapshots...'],
  flags: { b: flag('display size in bytes') },
  run: async (session, { io, args, flags, globals }) => {
    const snapshotter = await chosenSnapshotter(session, globals);
    const keys = [...args];
    if (keys.length === 0) for await (const { name } of snapshotter.walk(session.scope)) keys.push(name);
    const lines = ['KEY\tSIZE\tINODES\t'];
    for (const key of keys) {
      const { size, inodes } = await snapshotter.usage(session.scope, key);
      lines.push(`${key}\t${flags.b ? size : formatBytes(size)}\t${inodes}\t`);
    }
    await printTable(io, lines, narrow);
    return 0;
  },
});
