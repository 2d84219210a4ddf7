import { type Fault, isFault, notFound } from '#base/errors';
import { imageBlobs } from '#client/image-blobs';
import { type FoundManifest, manifestsOf, readBlob } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import { decodeImageConfig, type ImageConfig, maxConfigBytes } from '#lib/oci/image-config';
import { defaultPlatform, formatPlatform, onlyPlatform, type Platform, type PlatformMatcher } from '#lib/platform';
import type { Engine } from '../engine.ts';

/** What an image is on one platform. */
export interface ImageDetails extends FoundManifest {
  readonly config: ImageConfig;
  /** The configuration as it was written. */
  readonly rawConfig: Readonly<Record<string, unknown>>;
}

/** For a platform, or without one for this machine, or else for whatever is there. Undefined where nothing of it is here. */
export async function imageDetails(
  { client, scope }: Engine,
  { target }: Pick<Image, 'target'>,
  platform?: Platform,
): Promise<ImageDetails | undefined> {
  const manifests = await orNone(manifestsOf(client.content, scope, target));
  const own = onlyPlatform(platform ?? defaultPlatform());
  const matching = (manifests ?? [])
    .filter((each) => own.match(each.platform))
    .sort((a, b) => own.compare(a.platform, b.platform));
  for (const found of [...matching, ...(platform === undefined ? (manifests ?? []) : [])]) {
    // Attestations look like images of an unknown platform.
    if (found.platform.os === 'unknown') continue;
    const bytes = await orNone(readBlob(client.content, scope, found.manifest.config, maxConfigBytes));
    if (bytes === undefined) continue;
    const rawConfig = JSON.parse(Buffer.from(bytes).toString()) as ImageDetails['rawConfig'];
    return { ...found, config: decodeImageConfig(bytes), rawConfig };
  }
  return undefined;
}

/** docker's words for an image that is not of a platform. */
export const lacksPlatform = (word: string, platform: Platform): Fault =>
  notFound(
    `image with reference ${word} was found but does not provide the specified platform (${formatPlatform(platform)})`,
  );

/** Bytes of an image's content that are here, packed as they came. */
export async function contentSize(
  { client, scope }: Engine,
  { target }: Image,
  platforms: PlatformMatcher,
): Promise<number> {
  const blobs = (await orNone(imageBlobs(client.content, scope, target, platforms))) ?? [];
  return blobs.reduce((sum, blob) => sum + blob.size, 0);
}

/** What is not here, or makes no sense, is nothing. */
export async function orNone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || isFault(thrown, 'invalid_argument') || isFault(thrown, 'not_implemented'))
      return undefined;
    throw thrown;
  }
}
