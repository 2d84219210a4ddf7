import type { Descriptor } from '#core/descriptor';
import { type FoundManifest, manifestsOf } from '#core/images/image-content';
import { onlyPlatform, type Platform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { lacksPlatform, orNone } from './details.ts';
import { findImage } from './find.ts';
import { type RemovedImage, type RemoveImageOptions, removeImage } from './remove.ts';

/**
 * Removes what an image has for some platforms; its names stay, as long as anything else of it is here. What other images need as well is left.
 * @throws not_found where it has nothing for one of them; what `removeImage` throws
 */
export async function removePlatforms(
  engine: Engine,
  word: string,
  platforms: readonly Platform[],
  options: RemoveImageOptions = {},
): Promise<RemovedImage> {
  const { client, scope } = engine;
  const { image } = await findImage(engine, word);
  const own = await hereOf(engine, image.target);
  const meant = new Set<FoundManifest>();
  for (const platform of platforms) {
    const matching = own.filter((each) => onlyPlatform(platform).match(each.platform));
    if (matching.length === 0) throw lacksPlatform(word, platform);
    for (const each of matching) meant.add(each);
  }
  const rest = own.filter((each) => !meant.has(each));
  if (rest.length === 0) return await removeImage(engine, word, options);
  const kept = new Set(rest.flatMap(digestsOf));
  for (const other of await client.images.list(scope))
    if (other.target.digest !== image.target.digest)
      for (const each of await hereOf(engine, other.target)) for (const digest of digestsOf(each)) kept.add(digest);
  const gone = [...new Set([...meant].flatMap(digestsOf))].filter((digest) => !kept.has(digest));
  for (const digest of gone) await orNone(client.content.delete(scope, digest));
  return { untagged: [], deleted: [...meant].map(({ descriptor }) => descriptor.digest) };
}

const digestsOf = ({ descriptor, manifest }: FoundManifest) => [
  ...[descriptor, manifest.config, ...manifest.layers].map(({ digest }) => digest),
];

/** Manifests whose configuration is here: an index names those of other platforms as well. */
async function hereOf({ client, scope }: Engine, target: Descriptor): Promise<readonly FoundManifest[]> {
  const found = (await orNone(manifestsOf(client.content, scope, target))) ?? [];
  const here = await Promise.all(
    found.map(async ({ manifest }) => (await orNone(client.content.info(scope, manifest.config.digest))) !== undefined),
  );
  return found.filter((_, at) => here[at]);
}
