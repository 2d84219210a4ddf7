import { fault, invalidArgument, isFault, notFound } from '#base/errors';
import { pull, type RegistryOptions } from '#client/transfer';
import { isUnpacked } from '#client/unpacked';
import { manifestFor, readConfig } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import { familiarString, parseDockerReference, withDefaultTag } from '#lib/docker-reference';
import type { ImageConfig } from '#lib/oci/image-config';
import { defaultPlatform, formatPlatform, onlyPlatform, type Platform, parsePlatform } from '#lib/platform';
import { formatReference } from '#lib/reference';
import type { Engine } from '../engine.ts';
import { findImageIfThere } from '../image/find.ts';
import type { CreateOptions } from './create-options.ts';

export interface FoundImage {
  readonly image: Image;
  readonly platform: Platform;
  readonly config: ImageConfig;
  /** The digest of the configuration: docker's image id. */
  readonly id: string;
}

type ImageOptions = Pick<CreateOptions, 'image' | 'platform' | 'pull' | 'onProgress' | 'onPull' | 'registry'>;

/** The image for a container, fetched and unpacked as far as it is not. @throws not_found in docker's words; what the registry says */
export async function ensureImage(engine: Engine, options: ImageOptions): Promise<FoundImage> {
  const { client, scope, config } = engine;
  const platform = options.platform ? platformOf(options.platform) : defaultPlatform();
  const known = options.pull === 'always' ? undefined : (await findImageIfThere(engine, options.image))?.image;
  const found = known === undefined ? undefined : await forPlatform(engine, known, platform);
  if (found !== undefined) {
    await unpacked(engine, found);
    return found;
  }
  const name = fullName(options.image);
  if (options.pull === 'never' || name === undefined) throw missing(options.image, known, platform);
  options.onPull?.(familiarString(withDefaultTag(parseDockerReference(options.image))));
  const image = await pull(client, scope, name, {
    ...registryOf(engine, options.registry),
    platforms: [platform],
    snapshotter: config.snapshotter,
    ...(options.onProgress !== undefined && { onProgress: options.onProgress }),
  });
  const fetched = await forPlatform(engine, image, platform);
  if (fetched === undefined) throw missing(options.image, image, platform);
  await unpacked(engine, fetched);
  return fetched;
}

/** What the name stands for in full; undefined for what is no name. */
function fullName(word: string): string | undefined {
  if (/^(?:sha256:)?[0-9a-f]{64}$/.test(word)) return undefined;
  if (/^(?:ipfs|ipns|oci-archive):/.test(word))
    throw fault('not_implemented', `image ${word}: only names of registries are understood; see "load" for archives`);
  return formatReference(withDefaultTag(parseDockerReference(word)));
}

function platformOf(text: string): Platform {
  try {
    return parsePlatform(text);
  } catch (cause) {
    throw invalidArgument(
      `error parsing specified platform: ${JSON.stringify(text)}: cannot parse platform specifier`,
      cause,
    );
  }
}

/** Undefined when the image has nothing for that platform, or not all of it is here. */
async function forPlatform(
  { client, scope }: Engine,
  image: Image,
  platform: Platform,
): Promise<FoundImage | undefined> {
  try {
    const { manifest } = await manifestFor(client.content, scope, image.target, onlyPlatform(platform));
    const config = await readConfig(client.content, scope, manifest);
    return { image, platform, config, id: manifest.config.digest };
  } catch (thrown) {
    return ignoreMissing(thrown);
  }
}

async function unpacked({ client, scope, config }: Engine, { image, platform }: FoundImage): Promise<void> {
  const platforms = onlyPlatform(platform);
  if (await isUnpacked(client, scope, image.target, platforms, config.snapshotter)) return;
  const { unpackImage } = await import('#client/unpack');
  await unpackImage(
    client,
    scope,
    await manifestFor(client.content, scope, image.target, platforms),
    config.snapshotter,
  );
}

const registryOf = ({ config }: Engine, registry: RegistryOptions = {}): RegistryOptions => ({
  ...(config.insecureRegistry && { defaultScheme: 'http' }),
  ...(config.hostsDirs[0] !== undefined && registry.hostDir === undefined && { hostDir: config.hostsDirs[0] }),
  ...registry,
});

function missing(word: string, image: Image | undefined, platform: Platform) {
  if (image === undefined) return notFound(`No such image: ${shown(word)}`);
  return notFound(
    `image with reference ${shown(word)} was found but does not provide the specified platform (${formatPlatform(platform)})`,
  );
}

function shown(word: string): string {
  try {
    return familiarString(withDefaultTag(parseDockerReference(word)));
  } catch {
    return word; // an id
  }
}

function ignoreMissing(thrown: unknown): undefined {
  if (!isFault(thrown, 'not_found')) throw thrown;
  return undefined;
}
