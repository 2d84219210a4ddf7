import { messageOf } from '#base/errors';
import { imageBlobs } from '#client/image-blobs';
import { platformsOf } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { flag } from '../../cli/flags.ts';
import { formatBytes } from '../../cli/humanize.ts';
import { narrow } from '../../cli/tabwriter.ts';
import { command, type Session } from '../globals.ts';
import { formatLabels, printLines, printTable } from '../output.ts';

export default command({
  name: 'list',
  aliases: ['ls'],
  summary: 'list images known to containerd',
  args: '[flags] [<filter>, ...]',
  description: 'list images registered with containerd',
  completes: ['images...'],
  flags: { quiet: flag('print only the image refs', { alias: 'q' }) },
  run: async (session, { io, args, flags }) => {
    const images = await session.client.images.list(session.scope, args);
    if (flags.quiet)
      await printLines(
        io,
        images.map(({ name }) => name),
      );
    else {
      const rows = [];
      for (const image of images) rows.push(await row(session, image, (line) => io.stderr.write(`${line}\n`)));
      await printTable(io, ['REF\tTYPE\tDIGEST\tSIZE\tPLATFORMS\tLABELS\t', ...rows], narrow);
    }
    return 0;
  },
});

async function row(
  { client, scope }: Session,
  image: Image,
  complain: (line: string) => Promise<void>,
): Promise<string> {
  const { name, target, labels } = image;
  const orSay = async <T>(what: string, work: Promise<T>, otherwise: T): Promise<T> =>
    work.catch(async (thrown: unknown) => {
      await complain(`failed ${what} for image ${name}: ${messageOf(thrown)}`);
      return otherwise;
    });
  const blobs = await orSay(
    'calculating size',
    imageBlobs(client.content, scope, target, onlyPlatform(defaultPlatform())),
    [],
  );
  const platforms = await orSay('resolving platform', platformsOf(client.content, scope, target), []);
  const size = blobs.reduce((sum, blob) => sum + blob.size, 0);
  return `${name}\t${target.mediaType}\t${target.digest}\t${formatBytes(size)}\t${[...platforms].sort().join(',') || '-'}\t${formatLabels(labels, '-')}\t`;
}
