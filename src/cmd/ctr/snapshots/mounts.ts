import { invalidArgument } from '#base/errors';
import type { Mount } from '#core/mount';
import { command } from '../globals.ts';
import { printLines } from '../output.ts';
import { chosenSnapshotter } from './session.ts';

export default command({
  name: 'mounts',
  aliases: ['m', 'mount'],
  summary: 'mount gets mount commands for the snapshots',
  args: '<target> <key>',
  completes: ['directories', 'snapshots'],
  flags: {},
  run: async (session, { io, args: [target, key], globals }) => {
    if (target === undefined || key === undefined) throw invalidArgument('please provide both target and key');
    const snapshotter = await chosenSnapshotter(session, globals);
    await printLines(io, mountCommands(await snapshotter.mounts(session.scope, key), target));
    return 0;
  },
});

/** What a user would type to mount them. */
export const mountCommands = (mounts: readonly Mount[], target: string): readonly string[] =>
  mounts.map(({ type, source, options }) => `mount -t ${type} ${source} ${target} -o ${options.join(',')}`);
