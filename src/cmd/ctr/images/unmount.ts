import { invalidArgument } from '#base/errors';
import { unmountAll } from '#sys/mount';
import { type Flags, flag, list } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';
import { snapshotterFlag } from '../snapshotter-flag.ts';
import { registryFlags } from './registry-flags.ts';

const own = {
  snapshotter: snapshotterFlag,
  rm: flag('remove the snapshot after a successful unmount'),
};
/** containerd's ctr takes them here, where there is nothing that they could be said of. */
const idle: Flags = { ...registryFlags, label: list('labels to attach to the image') };
const idleFlags = Object.fromEntries(
  Object.entries(idle).map(([name, known]) => [
    name,
    { ...known, help: `${known.help} (unmounting asks no registry and names no image: it says so)` },
  ]),
);

export default command({
  name: 'unmount',
  summary: 'unmount the image from the target',
  args: '[flags] <target>',
  description: 'Unmount the image rootfs from the specified target.',
  completes: ['directories'],
  flags: { ...idleFlags, ...own },
  run: async ({ client, scope }, { io, args: [target], flags, given }) => {
    if (target === undefined || target === '') throw invalidArgument('please provide a target path to unmount from');
    for (const name of Object.keys(idle))
      if ((given as ReadonlySet<string>).has(name)) await io.stderr.write(`--${name} says nothing here\n`);
    await unmountAll(target);
    if (flags.rm) await (await client.snapshotter(scope, flags.snapshotter)).remove(scope, target);
    await printLine(io, target);
    return 0;
  },
});
