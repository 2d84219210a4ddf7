import { invalidArgument } from '#base/errors';
import { parseDockerReference } from '#lib/docker-reference';
import type { Engine } from '#ops/engine';
import { familiarOf, fullName } from '#ops/image/find';
import { type PullOptions, pullImage } from '#ops/image/pull';
import { remoteTags } from '#ops/registry/remote-manifest';
import { flag, text } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { command } from '../globals.ts';
import { registryOptions } from '../registry.ts';
import { platformFlags, platformsOf } from './platforms.ts';
import { refusedPullFlags } from './refused-flags.ts';
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
      ...refusedPullFlags,
      'all-tags': flag('Download all tagged images in the repository', { alias: 'a' }),
      quiet: flag('Suppress verbose output', { alias: 'q' }),
      unpack: text("Unpack the image for the current single platform: 'auto', 'true' or 'false'", { default: 'auto' }),
    },
    run: async (engine, { io, flags, args: [word = ''] }) => {
      const platforms = platformsOf(flags);
      const unpack = unpackOf(flags.unpack);
      const registry = await registryOptions(io, engine.config, parseDockerReference(word).host);
      const wishes = {
        registry,
        ...(platforms !== undefined && { platforms }),
        ...(unpack !== undefined && { unpack }),
      };
      if (flags['all-tags']) {
        const tags = await remoteTags(engine.scope, word, { registry, environment: io.env });
        for (const tag of tags) await pullOne(engine, io, `${word}:${tag}`, flags.quiet, wishes);
        return 0;
      }
      const full = fullName(word);
      if (!flags.quiet && full.endsWith(':latest') && !/:latest$/.test(word))
        await io.stdout.write('Using default tag: latest\n');
      await pullOne(engine, io, word, flags.quiet, wishes);
      return 0;
    },
  });

async function pullOne(engine: Engine, io: Io, word: string, quiet: boolean, wishes: PullOptions): Promise<void> {
  const { image, upToDate } = await shown(io, fullName(word), quiet, (observed) =>
    pullImage(engine, word, { ...wishes, ...observed }),
  );
  const status = upToDate ? 'Image is up to date for' : 'Downloaded newer image for';
  if (!quiet) await io.stdout.write(`Digest: ${image.target.digest}\nStatus: ${status} ${familiarOf(image.name)}\n`);
  await io.stdout.write(`${image.name}\n`);
}

/** Undefined: as is usual. @throws invalid_argument */
function unpackOf(word: string): boolean | undefined {
  if (word === 'auto') return undefined;
  if (word === 'true' || word === 'false') return word === 'true';
  throw invalidArgument(`--unpack: wanted auto, true or false, got ${JSON.stringify(word)}`);
}
