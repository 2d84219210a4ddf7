import { invalidArgument } from '#base/errors';
import { rootSnapshot } from '#client/unpacked';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { formatBytes } from '../../cli/humanize.ts';
import { narrow } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { printTable } from '../output.ts';
import { snapshotterFlag } from '../snapshotter-flag.ts';

export default command({
  name: 'usage',
  summary: 'display usage of snapshots for a given image ref',
  args: '[flags] <ref>',
  completes: ['images'],
  flags: {
    snapshotter: snapshotterFlag,
  },
  run: async ({ client, scope }, { io, args: [name], flags }) => {
    if (name === undefined || name === '') throw invalidArgument('please provide an image reference');
    const { target } = await client.images.get(scope, name);
    const snapshotter = await client.snapshotter(scope, flags.snapshotter);
    const lines = ['KEY\tSIZE\tINODES\t'];
    let key = await rootSnapshot(client, scope, target, onlyPlatform(defaultPlatform()));
    while (key !== '') {
      const { size, inodes } = await snapshotter.usage(scope, key);
      lines.push(`${key}\t${formatBytes(size)}\t${inodes}\t`);
      key = (await snapshotter.stat(scope, key)).parent;
    }
    await printTable(io, lines, narrow);
    return 0;
  },
});
