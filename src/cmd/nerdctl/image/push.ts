import { parseDockerReference } from '#lib/docker-reference';
import { imagesToPush, pushImage } from '#ops/image/push';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { registryOptions } from '../registry.ts';
import { platformFlags, platformsOf } from './platforms.ts';
import { refusedPushFlags } from './refused-flags.ts';
import { shown } from './shown.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'NAME[:TAG]',
    arity: [1, 1],
    completes: ['images'],
    flags: {
      ...platformFlags,
      ...refusedPushFlags,
      'all-tags': flag('Push all tags of an image to the repository', { alias: 'a' }),
      'allow-nondistributable-artifacts': flag('Push layers too that are marked as not to be handed on'),
      quiet: flag('Suppress verbose output', { alias: 'q' }),
    },
    run: async (engine, { io, flags, args: [word = ''] }) => {
      const images = await imagesToPush(engine, word, { allTags: flags['all-tags'] });
      const platforms = platformsOf(flags);
      const registry = await registryOptions(io, engine.config, parseDockerReference(word).host);
      if (!flags.quiet) {
        const reference = parseDockerReference(word);
        await io.stdout.write(`The push refers to repository [${reference.host}/${reference.repository}]\n`);
        if (!flags['all-tags'] && reference.tag === undefined) await io.stdout.write('Using default tag: latest\n');
      }
      for (const image of images) {
        await shown(io, image.name, flags.quiet, (observed) =>
          pushImage(engine, image, {
            registry,
            ...observed,
            nonDistributable: flags['allow-nondistributable-artifacts'],
            ...(platforms !== undefined && { platforms }),
          }),
        );
        const { tag = '' } = parseDockerReference(image.name);
        await io.stdout.write(
          flags.quiet ? `${image.name}\n` : `${tag}: digest: ${image.target.digest} size: ${image.target.size}\n`,
        );
      }
      return 0;
    },
  });
