import { isFault } from '#base/errors';
import type { ContainerSummary } from '#core/engine/container-summary';
import { manifestFor, readConfig } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { findImageIfThere } from './find.ts';

/**
 * Which containers are of one of these images, or of one that was made of them: of an image that begins with all their layers.
 * Words that mean no image are none's ancestors.
 */
export async function ancestry(engine: Engine, words: readonly string[]): Promise<(one: ContainerSummary) => boolean> {
  const bases: (readonly string[])[] = [];
  for (const word of words) {
    const found = await findImageIfThere(engine, word);
    const layers = found === undefined ? undefined : await layersOf(engine, found.image);
    if (layers !== undefined) bases.push(layers);
  }
  const images = new Map((await engine.client.images.list(engine.scope)).map((image) => [image.name, image]));
  const descends = new Map<string, boolean>();
  for (const [name, image] of bases.length === 0 ? [] : images) {
    const layers = (await layersOf(engine, image)) ?? [];
    descends.set(
      name,
      bases.some((base) => base.every((layer, at) => layers[at] === layer)),
    );
  }
  return ({ imageName }) => descends.get(imageName) ?? false;
}

/** Digests from the bottom; undefined of an image that is not here for this machine. */
async function layersOf({ client, scope }: Engine, { target }: Image): Promise<readonly string[] | undefined> {
  try {
    const { manifest } = await manifestFor(client.content, scope, target, onlyPlatform(defaultPlatform()));
    return (await readConfig(client.content, scope, manifest)).diffIds;
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || isFault(thrown, 'invalid_argument') || isFault(thrown, 'not_implemented'))
      return undefined;
    throw thrown;
  }
}
