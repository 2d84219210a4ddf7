import { invalidArgument, isFault } from '#base/errors';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';

export default command({
  name: 'tag',
  summary: 'tag an image',
  args: '[flags] <source_ref> <target_ref> [<target_ref>, ...]',
  description: 'Tag an image for use in containerd.',
  flags: { force: flag('force target_ref to be created, regardless if it already exists') },
  run: async ({ client, scope }, { io, args: [source, ...targets], flags }) => {
    if (source === undefined || source === '') throw invalidArgument('please provide an image reference to tag from');
    if (targets.length === 0 || targets.includes(''))
      throw invalidArgument('please provide an image reference to tag to');
    const { target, labels } = await client.images.get(scope, source);
    for (const name of targets) {
      await client.images.create(scope, { name, target, labels }).catch(async (thrown: unknown) => {
        if (!flags.force || !isFault(thrown, 'already_exists')) throw thrown;
        await client.images.delete(scope, name);
        await client.images.create(scope, { name, target, labels });
      });
      await printLine(io, name);
    }
    return 0;
  },
});
