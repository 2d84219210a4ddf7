import { alreadyExists, invalidArgument, isFault, wrap } from '#base/errors';
import { parseDockerReference } from '#lib/docker-reference';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';
import { performerOf } from './performer.ts';

export default command({
  name: 'tag',
  summary: 'tag an image',
  args: '[flags] <source_ref> <target_ref> [<target_ref>, ...]',
  description: 'Tag an image for use in containerd.',
  completes: ['images', 'images...'],
  flags: {
    force: flag('force target_ref to be created, regardless if it already exists'),
    local: flag('Run tag locally rather than through transfer API'),
    'skip-reference-check': flag('skip the strict check for reference names'),
  },
  run: async ({ client, scope }, { io, args: [source, ...targets], flags }) => {
    if (source === undefined || source === '') throw invalidArgument('please provide an image reference to tag from');
    if (targets.length === 0 || targets.includes(''))
      throw invalidArgument('please provide an image reference to tag to');
    if (!flags['skip-reference-check']) targets.forEach(checkReference);
    const { labels } = await client.images.get(scope, source);
    const transfer = await client.transferBy(performerOf(flags).performer);
    for (const name of targets) {
      if (!flags.force && (await isThere(client.images.get(scope, name)))) throw alreadyExists(`image "${name}"`);
      await transfer.tag(scope, source, { name, labels });
      await printLine(io, name);
    }
    return 0;
  },
});

function checkReference(name: string): void {
  try {
    parseDockerReference(name);
  } catch (thrown) {
    throw wrap(thrown, `error parsing reference: "${name}" is not a valid repository/tag`);
  }
}

async function isThere(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return false;
    throw thrown;
  }
}
