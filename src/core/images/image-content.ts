import { invalidArgument, isFault, notFound } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { Scope } from '#core/scope';
import { decodeImageConfig, type ImageConfig, maxConfigBytes } from '#lib/oci/image-config';
import { decodeManifestOrIndex, type Index, type Manifest, maxManifestBytes } from '#lib/oci/manifest';
import { isIndexType, isManifestType } from '#lib/oci/media-types';
import { formatPlatform, normalizePlatform, type Platform, type PlatformMatcher } from '#lib/platform';

/** How many indexes may stand in one another; real images have one or two. */
const maxDepth = 8;

/** A whole small blob. @throws not_found (`content digest sha256:…: not found`); invalid_argument when it is bigger than `maxBytes` */
export async function readBlob(
  content: ContentStore,
  scope: Scope,
  { digest }: Pick<Descriptor, 'digest'>,
  maxBytes: number,
): Promise<Uint8Array> {
  await using blob = await content.open(scope, digest);
  if (blob.size > maxBytes)
    throw invalidArgument(`content ${digest}: ${blob.size} bytes where ${maxBytes} are allowed`);
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < blob.size; ) {
    const part = await blob.read(offset, blob.size - offset);
    if (part.length === 0) break;
    parts.push(part);
    offset += part.length;
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}

/** Reads a manifest or an index. @throws not_found; invalid_argument; not_implemented for another type */
export async function readManifestOrIndex(
  content: ContentStore,
  scope: Scope,
  target: Descriptor,
): Promise<Manifest | Index> {
  return decodeManifestOrIndex(await readBlob(content, scope, target, maxManifestBytes), target.mediaType);
}

export async function readConfig(content: ContentStore, scope: Scope, manifest: Manifest): Promise<ImageConfig> {
  return decodeImageConfig(await readBlob(content, scope, manifest.config, maxConfigBytes));
}

/** One manifest below an image's target, and the descriptor that led to it. */
export interface FoundManifest {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly platform: Platform;
  /** Where it had to be read to learn the platform. */
  readonly config?: ImageConfig;
}

/**
 * All manifests below a target that are in the store, with their platforms; what an index names and the store has not is left out.
 * A document that is not there or makes no sense at the top throws. Indexes in indexes are followed a few levels; each blob once.
 */
export async function manifestsOf(
  content: ContentStore,
  scope: Scope,
  target: Descriptor,
): Promise<readonly FoundManifest[]> {
  const found: FoundManifest[] = [];
  const seen = new Set<string>();
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (depth > maxDepth) throw invalidArgument(`image ${target.digest}: more than ${maxDepth} indexes in one another`);
    if (seen.has(descriptor.digest)) return;
    seen.add(descriptor.digest);
    const document = await readManifestOrIndex(content, scope, descriptor);
    if (document.kind === 'manifest') {
      const config = descriptor.platform === undefined ? await readConfig(content, scope, document) : undefined;
      const platform = normalizePlatform(descriptor.platform ?? (config as ImageConfig).platform);
      found.push({ descriptor, manifest: document, platform, ...(config !== undefined && { config }) });
      return;
    }
    for (const child of document.manifests) {
      if (!isManifestType(child.mediaType) && !isIndexType(child.mediaType)) continue;
      await visit(child, depth + 1).catch((thrown: unknown) => {
        if (!isFault(thrown, 'not_found')) throw thrown;
      });
    }
  };
  await visit(target, 0);
  return found;
}

/** The manifest to use on a platform. @throws not_found when none matches */
export async function manifestFor(
  content: ContentStore,
  scope: Scope,
  target: Descriptor,
  platforms: PlatformMatcher,
): Promise<FoundManifest> {
  const matching = (await manifestsOf(content, scope, target)).filter(({ platform }) => platforms.match(platform));
  const best = matching.sort((a, b) => platforms.compare(a.platform, b.platform))[0];
  if (best === undefined) throw notFound(`manifest for the platform of image ${target.digest}`);
  return best;
}

/** The platforms an image has here, as text, each once. An index's own words count: its manifests need not be there. */
export async function platformsOf(content: ContentStore, scope: Scope, target: Descriptor): Promise<readonly string[]> {
  const names = new Set<string>();
  const document = await readManifestOrIndex(content, scope, target);
  const claimed =
    document.kind === 'index'
      ? document.manifests.flatMap(({ platform }) => (platform === undefined ? [] : [platform]))
      : [];
  for (const platform of claimed) names.add(formatPlatform(normalizePlatform(platform)));
  if (claimed.length === 0)
    for (const { platform } of await manifestsOf(content, scope, target)) names.add(formatPlatform(platform));
  return [...names];
}
