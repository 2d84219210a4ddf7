import { fault, invalidArgument, isFault, notFound } from '#base/errors';
import { type FoundManifest, manifestFor, readConfig } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import type { Observer } from '#core/transfer/progress';
import { chainId, type ImageConfig } from '#lib/oci/image-config';
import { defaultPlatform, onlyPlatform, type Platform, parsePlatform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { lacksPlatform } from '../image/details.ts';
import { familiarOf, fullName, imageIfThere, referenceOf } from '../image/find.ts';
import { pullImage } from '../image/pull.ts';
import type { CreateOptions } from './create-options.ts';

export interface FoundImage {
  readonly image: Image;
  readonly platform: Platform;
  readonly config: ImageConfig;
  readonly found: FoundManifest;
  /** The name of the snapshot with its whole tree, which need not be there. */
  readonly root: string;
  /** The digest of the configuration: docker's image id. */
  readonly id: string;
}

type ImageOptions = Pick<CreateOptions, 'image' | 'platform' | 'pull' | 'pulling'>;

/** The image for a container, fetched when it is not here. @throws not_found in docker's words; what the registry says */
export async function ensureImage(engine: Engine, options: ImageOptions): Promise<FoundImage> {
  const platform = options.platform ? platformOf(options.platform) : defaultPlatform();
  const known = options.pull === 'always' ? undefined : await imageIfThere(engine, options.image);
  const found = known === undefined ? undefined : await forPlatform(engine, known, platform);
  if (found !== undefined) return found;
  if (options.pull === 'never' || isId(options.image)) throw missing(options.image, known, platform);
  const image = await fetched(engine, options, platform);
  const whole = await forPlatform(engine, image, platform);
  if (whole === undefined) throw missing(options.image, image, platform);
  return whole;
}

async function fetched(engine: Engine, { image: word, pulling }: ImageOptions, platform: Platform): Promise<Image> {
  if (/^(?:ipfs|ipns|oci-archive):/.test(word))
    throw fault('not_implemented', `image ${word}: only names of registries are understood; see "load" for archives`);
  const name = familiarOf(fullName(word));
  const work = async (observed: { readonly onProgress?: Observer }) => {
    const registry = await pulling?.registry(engine.config, word);
    const options = { platforms: [platform], ...observed, ...(registry !== undefined && { registry }) };
    return (await pullImage(engine, word, options)).image;
  };
  return await (pulling === undefined ? work({}) : pulling.shown(name, work));
}

const isId = (word: string): boolean => /^(?:sha256:)?[0-9a-f]{64}$/.test(word);

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
    const found = await manifestFor(client.content, scope, image.target, onlyPlatform(platform));
    const config = found.config ?? (await readConfig(client.content, scope, found.manifest));
    return { image, platform, config, found, root: chainId(config.diffIds), id: found.manifest.config.digest };
  } catch (thrown) {
    return ignoreMissing(thrown);
  }
}

function missing(word: string, image: Image | undefined, platform: Platform) {
  if (image === undefined) return notFound(`No such image: ${shown(word)}`);
  return lacksPlatform(shown(word), platform);
}

const shown = (word: string): string => (referenceOf(word) === undefined ? word : familiarOf(fullName(word)));

function ignoreMissing(thrown: unknown): undefined {
  if (!isFault(thrown, 'not_found')) throw thrown;
  return undefined;
}
