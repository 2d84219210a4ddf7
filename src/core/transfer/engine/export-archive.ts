import { invalidArgument } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import { readBlob } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import type { Scope } from '#core/scope';
import type { ExportOptions } from '#core/transfer/transfer';
import { algorithmOf, type Digest, encodedOf } from '#lib/digest';
import { familiarString, parseDockerReference } from '#lib/docker-reference';
import { decodeManifestOrIndex, type Manifest, maxManifestBytes } from '#lib/oci/manifest';
import { isForeignLayer, isIndexType, isManifestType, mediaTypes } from '#lib/oci/media-types';
import { defaultPlatform, onlyPlatform, type Platform } from '#lib/platform';
import { paddingOf } from '#lib/tar/reader';
import { choose } from './platform-choice.ts';
import { tarHeader } from './tar-header.ts';

const maxDepth = 8;
const readBytes = 1 << 20;

/** One image's part of an archive. */
interface Collected {
  readonly name: string;
  readonly target: Descriptor;
  /** The one for Docker, which knows no indexes. */
  readonly manifest: Manifest | undefined;
}

/**
 * The images as one archive: an OCI layout, with Docker's `manifest.json` beside it. The documents come first, so that a reader
 * knows what the blobs are when they come. Equal images give equal bytes. Tells nothing of single blobs: clients that write the
 * archive to their standard output show there what they are told.
 * @throws not_found (`content digest sha256:…`)
 */
export async function* exportImages(
  content: ContentStore,
  scope: Scope,
  images: readonly Image[],
  options: ExportOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const blobs = new Map<Digest, Descriptor>();
  const collected: Collected[] = [];
  for (const { name, target } of images) {
    const walk = new Walk(content, scope, options, blobs);
    await walk.visit(target, []);
    collected.push({ name, target, manifest: walk.manifestFor(options.platforms[0] ?? defaultPlatform()) });
  }
  yield* textFile('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  yield* textFile('index.json', JSON.stringify(indexOf(collected)));
  const docker = collected.flatMap(dockerEntry);
  if (!options.skipDockerManifest && docker.length > 0) yield* textFile('manifest.json', JSON.stringify(docker));
  const algorithms = new Set([...blobs.keys()].map(algorithmOf));
  yield tarHeader('blobs/', 0, 'dir');
  for (const algorithm of algorithms) yield tarHeader(`blobs/${algorithm}/`, 0, 'dir');
  for (const blob of blobs.values()) yield* blobFile(content, scope, blob);
  yield Buffer.alloc(1024);
}

/** Finds all blobs below an image that are wanted; the documents first, then what they refer to. */
class Walk {
  readonly #content: ContentStore;
  readonly #scope: Scope;
  readonly #options: ExportOptions;
  readonly #blobs: Map<Digest, Descriptor>;
  readonly #manifests: { readonly platform: Platform | undefined; readonly manifest: Manifest }[] = [];

  constructor(content: ContentStore, scope: Scope, options: ExportOptions, blobs: Map<Digest, Descriptor>) {
    this.#content = content;
    this.#scope = scope;
    this.#options = options;
    this.#blobs = blobs;
  }

  async visit(descriptor: Descriptor, path: readonly Digest[]): Promise<void> {
    if (path.includes(descriptor.digest) || path.length > maxDepth)
      throw invalidArgument(`image nests indexes too deeply at ${descriptor.digest}`);
    const bytes = await readBlob(this.#content, this.#scope, descriptor, maxManifestBytes);
    const document = decodeManifestOrIndex(bytes, descriptor.mediaType);
    this.#add(descriptor);
    if (document.kind === 'index') {
      for (const child of this.#chosen(descriptor, document.manifests))
        await this.visit(child, [...path, descriptor.digest]);
      return;
    }
    this.#manifests.push({ platform: descriptor.platform, manifest: document });
    for (const child of [document.config, ...document.layers]) {
      if (this.#options.skipNonDistributable && isForeignLayer(child.mediaType)) continue;
      this.#add(child);
    }
  }

  /** For manifest.json: the best for the platform; a lone manifest in any case. */
  manifestFor(platform: Platform): Manifest | undefined {
    const matcher = onlyPlatform(platform);
    const [lone] = this.#manifests;
    if (this.#manifests.length === 1) return lone?.manifest;
    return this.#manifests
      .filter((found) => found.platform !== undefined && matcher.match(found.platform))
      .toSorted((a, b) => matcher.compare(a.platform ?? platform, b.platform ?? platform))[0]?.manifest;
  }

  #chosen(index: Descriptor, entries: readonly Descriptor[]): readonly Descriptor[] {
    const { allPlatforms, platforms } = this.#options;
    if (allPlatforms) return entries.filter(({ mediaType }) => isManifestType(mediaType) || isIndexType(mediaType));
    const wanted = platforms.length === 0 ? [defaultPlatform()] : platforms;
    return choose(index, entries, { platforms: wanted, manifestLimit: 0 });
  }

  #add(descriptor: Descriptor): void {
    if (!this.#blobs.has(descriptor.digest)) this.#blobs.set(descriptor.digest, descriptor);
  }
}

function indexOf(collected: readonly Collected[]): object {
  const manifests = collected.map(({ name, target: { mediaType, digest, size, annotations } }) => ({
    mediaType,
    digest,
    size,
    annotations: { ...annotations, 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': tagOf(name) },
  }));
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
}

function dockerEntry({ name, manifest }: Collected): readonly object[] {
  if (manifest === undefined) return [];
  const layers = manifest.layers.map(({ digest }) => pathOf(digest));
  return [{ Config: pathOf(manifest.config.digest), RepoTags: dockerTags(name), Layers: layers }];
}

/** As Docker writes it. A name that Docker cannot have is left out: the layers are of use without it. */
function dockerTags(name: string): readonly string[] {
  try {
    const reference = parseDockerReference(name);
    return reference.tag === undefined ? [] : [familiarString(reference)];
  } catch {
    return [];
  }
}

function tagOf(name: string): string {
  const at = name.indexOf('@');
  const colon = name.lastIndexOf(':', at < 0 ? undefined : at);
  return colon > name.lastIndexOf('/') ? name.slice(colon + 1, at < 0 ? undefined : at) : name;
}

const pathOf = (digest: Digest): string => `blobs/${algorithmOf(digest)}/${encodedOf(digest)}`;

function* textFile(name: string, text: string): Generator<Uint8Array, void, undefined> {
  const bytes = Buffer.from(text);
  yield tarHeader(name, bytes.length, 'file');
  yield bytes;
  yield Buffer.alloc(paddingOf(bytes.length));
}

async function* blobFile(
  content: ContentStore,
  scope: Scope,
  { digest }: Descriptor,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using reader = await content.open(scope, digest);
  yield tarHeader(pathOf(digest), reader.size, 'file');
  for (let at = 0; at < reader.size; ) {
    const part = await reader.read(at, readBytes);
    if (part.length === 0) break;
    yield part;
    at += part.length;
  }
  yield Buffer.alloc(paddingOf(reader.size));
}
