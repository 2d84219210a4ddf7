import { commitContainer } from '#ops/container/commit';
import { findContainer } from '#ops/container/find';
import { flag, list, text } from '../../cli/flags.ts';
import { Exit } from '../../cli/io.ts';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER [REPOSITORY[:TAG]]',
    arity: [1, 2],
    completes: ['containers', 'images'],
    flags: {
      author: text('who made it', { alias: 'a' }),
      change: list('an instruction of a Dockerfile for the image', { alias: 'c' }),
      compression: text('of the new layer: gzip or zstd', { default: 'gzip' }),
      estargz: flag('', { refused: 'there is nothing here that makes eStargz layers' }),
      zstdchunked: flag('', { refused: 'there is nothing here that makes layers of the form zstd:chunked' }),
      format: text("of the image: docker or oci; its base's when absent"),
      message: text('what was done', { alias: 'm' }),
      pause: { ...flag('freeze its processes meanwhile', { alias: 'p' }), default: true },
    },
    run: async (engine, { io, args: [word = '', target = ''], flags }) => {
      const { compression, format } = flags;
      if (compression !== 'gzip' && compression !== 'zstd')
        throw new Exit(1, `invalid compression ${JSON.stringify(compression)}: wanted gzip or zstd`);
      if (format !== '' && format !== 'docker' && format !== 'oci')
        throw new Exit(1, `invalid format ${JSON.stringify(format)}: wanted docker or oci`);
      const image = await commitContainer(engine, await findContainer(engine, word), {
        ...{ name: target, author: flags.author, message: flags.message, changes: flags.change, pause: flags.pause },
        compression,
        ...(format !== '' && { format }),
      });
      await io.stdout.write(`${image.target.digest}\n`);
      return 0;
    },
  });
