import { checkImage, type ImageState } from '#client/image-blobs';
import { isUnpacked } from '#client/unpacked';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { flag } from '../../cli/flags.ts';
import { formatBytes } from '../../cli/humanize.ts';
import { narrow } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { printLine, printTable } from '../output.ts';
import { snapshotterFlag } from '../snapshotter-flag.ts';

export default command({
  name: 'check',
  summary: 'check existing images to ensure all content is available locally',
  args: '[flags] [<filter>, ...]',
  description: 'check existing images to ensure all content is available locally',
  completes: ['images...'],
  flags: {
    quiet: flag('print only the ready image refs (fully downloaded and unpacked)', { alias: 'q' }),
    snapshotter: snapshotterFlag,
  },
  run: async ({ client, scope }, { io, args, flags }) => {
    const platforms = onlyPlatform(defaultPlatform());
    const lines = ['REF\tTYPE\tDIGEST\tSTATUS\tSIZE\tUNPACKED\t'];
    for (const { name, target } of await client.images.list(scope, args)) {
      const state = await checkImage(client.content, scope, target, platforms);
      const unpacked = await isUnpacked(client, scope, target, platforms, flags.snapshotter);
      if (flags.quiet && unpacked && state.missing.length === 0) await printLine(io, name);
      lines.push([name, target.mediaType, target.digest, status(state), size(state), String(unpacked)].join('\t'));
    }
    if (!flags.quiet) await printTable(io, lines, narrow);
    return 0;
  },
});

function status({ required, present, available }: ImageState): string {
  if (!available) return 'unavailable (0/?)';
  return `${present === required ? 'complete' : 'incomplete'} (${present}/${required})`;
}

const size = ({ presentBytes, requiredBytes, available }: ImageState): string =>
  available ? `${formatBytes(presentBytes)}/${formatBytes(requiredBytes)}` : '0.0 B/?';
