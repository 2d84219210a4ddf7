import { isFault } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import { readManifestOrIndex } from '#core/images/image-content';
import type { Scope } from '#core/scope';
import { isIndexType, isManifestType } from '#lib/oci/media-types';
import type { PlatformMatcher } from '#lib/platform';

/** Every blob of an image for some platforms: documents, configurations and layers, each once, parents first. */
export async function imageBlobs(
  content: ContentStore,
  scope: Scope,
  target: Descriptor,
  platforms: PlatformMatcher,
): Promise<readonly Descriptor[]> {
  const found = new Map<string, Descriptor>();
  const visit = async (descriptor: Descriptor): Promise<void> => {
    if (found.has(descriptor.digest)) return;
    found.set(descriptor.digest, descriptor);
    if (!isIndexType(descriptor.mediaType) && !isManifestType(descriptor.mediaType)) return;
    const document = await readManifestOrIndex(content, scope, descriptor).catch((thrown: unknown) => {
      if (isFault(thrown, 'not_found')) return undefined; // the blob is counted as missing by whoever asks
      throw thrown;
    });
    if (document?.kind === 'manifest')
      for (const child of [document.config, ...document.layers]) found.set(child.digest, child);
    if (document?.kind === 'index') for (const child of await chosen(document.manifests, platforms)) await visit(child);
  };
  await visit(target);
  return [...found.values()];
}

/** Of an index's manifests those for the platforms; the best only, where the platforms are in order of preference. */
async function chosen(manifests: readonly Descriptor[], platforms: PlatformMatcher): Promise<readonly Descriptor[]> {
  const matching = manifests.filter(({ platform }) => platform === undefined || platforms.match(platform));
  const ranked = matching.filter(({ platform }) => platform !== undefined);
  const [first] = ranked.sort((a, b) =>
    platforms.compare(a.platform as NonNullable<typeof a.platform>, b.platform as NonNullable<typeof b.platform>),
  );
  return first === undefined
    ? matching
    : matching.filter(
        ({ platform }) =>
          platform === undefined || platforms.compare(platform, first.platform as NonNullable<typeof platform>) === 0,
      );
}

export interface ImageState {
  readonly required: number;
  readonly present: number;
  /** Bytes of all blobs, and of those that are here. */
  readonly requiredBytes: number;
  readonly presentBytes: number;
  readonly missing: readonly Descriptor[];
  /** The image's own document is here. */
  readonly available: boolean;
}

/** What of an image's configuration and layers is in the store; an image without its own documents is not available. */
export async function checkImage(
  content: ContentStore,
  scope: Scope,
  target: Descriptor,
  platforms: PlatformMatcher,
): Promise<ImageState> {
  const all = await imageBlobs(content, scope, target, platforms);
  const documents = all.filter(({ mediaType }) => isIndexType(mediaType) || isManifestType(mediaType));
  const blobs = all.filter((blob) => !documents.includes(blob));
  const missing: Descriptor[] = [];
  for (const blob of all) {
    await content.info(scope, blob.digest).catch((thrown: unknown) => {
      if (!isFault(thrown, 'not_found')) throw thrown;
      missing.push(blob);
    });
  }
  const bytes = (list: readonly Descriptor[]) => list.reduce((sum, { size }) => sum + size, 0);
  const lost = blobs.filter((blob) => missing.includes(blob));
  return {
    required: blobs.length,
    present: blobs.length - lost.length,
    requiredBytes: bytes(blobs),
    presentBytes: bytes(blobs) - bytes(lost),
    missing,
    available: !missing.some((blob) => documents.includes(blob)),
  };
}
