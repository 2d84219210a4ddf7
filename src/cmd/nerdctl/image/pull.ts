import { invalidArgument } from '#base/errors';
import { parseDockerReference } from '#lib/docker-reference';
import { familiarOf, fullName } from '#ops/image/find';
import { pullImage } from '#ops/image/pull';
import { flag, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { registryOptions } from '../registry.ts';
import { platformFlags, platformsOf } from './platforms.ts';
import { shown } from './shown.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'NAME[:TAG|@DIGEST]',
    arity: [1, 1],
    completes: ['images'],
    flags: {
      ...platformFlags,
      quiet: flag('Suppress verbose output', { alias: 'q' }),
      unpack: text("Unpack the image for the current single platform: 'auto', 'true' or 'false'", { default: 'auto' }),
    },
    run: async (engine, { io, flags, args: [word = ''] }) => {
      const full = fullName(word);
      if (!flags.quiet && full.endsWith(':latest') && !/:latest$/.test(word))
        await io.stdout.write('Using default tag: latest\n');
      const platforms = platformsOf(flags);
      const unpack = unpackOf(flags.unpack);
      const registry = await registryOptions(io, engine.config, parseDockerReference(word).host);
      const { image, upToDate } = await shown(io, full, flags.quiet, (observed) =>
        pullImage(engine, word, {
          registry,
          ...observed,
          ...(platforms !== undefined && { platforms }),
          ...(unpack !== undefined && { unpack }),
        }),
      );
      const status = upToDate ? 'Image is up to date for' : 'Downloaded newer image for';
      if (!flags.quiet)
        await io.stdout.write(`Digest: ${image.target.digest}\nStatus: ${status} ${familiarOf(image.name)}\n`);
      await io.stdout.write(`${image.name}\n`);
      return 0;
    },
  });

/** Undefined: as is usual. @throws invalid_argument */
function unpackOf(word: string): boolean | undefined {
  if (word === 'auto') return undefined;
  if (word === 'true' || word === 'false') return word === 'true';
  throw invalidArgument(`--unpack: wanted auto, true or false, got ${JSON.stringify(word)}`);
}
