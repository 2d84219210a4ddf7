import { invalidArgument, isFault } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import { readBlob } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';
import { goJson } from '#lib/go-json';
import { decodeManifestOrIndex, maxManifestBytes } from '#lib/oci/manifest';
import { isIndexType, isManifestType, mediaTypes as m } from '#lib/oci/media-types';
import { normalizePlatform, type PlatformMatcher } from '#lib/platform';
import type { Client } from './client.ts';
import { writeBlob } from './write-blob.ts';

/** Where a layer stands among its manifest's. */
export interface LayerPlace {
  readonly at: number;
  readonly count: number;
}

/** Makes another layer of one, in the content store; `undefined` where it stays as it is. Asked for configurations too, which have no place. */
export type ConvertLayer = (
  content: ContentStore,
  scope: Scope,
  layer: Descriptor,
  place: LayerPlace | undefined,
) => Promise<Descriptor | undefined>;

export interface ConvertOptions {
  /** Which of an index's images the result has. */
  readonly platforms: PlatformMatcher;
  /** What becomes of an index's images for other platforms, and of those that are not here; absent: they are left out, and an error. */
  readonly others?: 'keep';
  /** Docker's media types become OCI's. */
  readonly toOci?: boolean;
  /** Must leave diff ids alone. */
  readonly layer?: ConvertLayer;
  /** Called when all is converted, before the result has a name: what it throws leaves the names as they were. */
  readonly check?: () => void;
}

/**
 * Makes an image of another one, document by document; an image of that name is replaced. What an index names for other platforms is
 * left out. @throws not_found for the image or content that it needs
 */
export async function convertImage(
  client: Client,
  scope: Scope,
  source: string,
  name: string,
  options: ConvertOptions,
): Promise<Image> {
  await using lease = await client.lease(scope);
  const image = await client.images.get(lease.scope, source);
  const conversion = new Conversion(client.content, lease.scope, options);
  const target = (await conversion.convert(image.target)) ?? image.target;
  options.check?.();
  const converted = { ...image, name, target };
  if (name === source) return await client.images.update(lease.scope, converted);
  await client.images.delete(lease.scope, name).catch((thrown: unknown) => {
    if (!isFault(thrown, 'not_found')) throw thrown;
  });
  return await client.images.create(lease.scope, converted);
}

type Json = Readonly<Record<string, unknown>>;

const referencePrefix = 'containerd.io/gc.ref.content';
const maxDepth = 8;

class Conversion {
  readonly #content: ContentStore;
  readonly #scope: Scope;
  readonly #options: ConvertOptions;

  constructor(content: ContentStore, scope: Scope, options: ConvertOptions) {
    this.#content = content;
    this.#scope = scope;
    this.#options = options;
  }

  /** What a descriptor becomes; `undefined` where nothing changes. */
  async convert(descriptor: Descriptor, depth = 0, place?: LayerPlace): Promise<Descriptor | undefined> {
    if (depth > maxDepth) throw invalidArgument(`image nests indexes too deeply at ${descriptor.digest}`);
    const changed = await this.#changed(descriptor, depth, place);
    const { mediaType } = descriptor;
    if (!isDocker(mediaType)) return changed;
    const now = changed ?? descriptor;
    if (this.#options.toOci === true) return { ...now, mediaType: ociOf(now.mediaType) };
    if (Object.keys(now.annotations ?? {}).length === 0) return changed;
    const { annotations: _, ...bare } = now; // Docker's documents have none
    return bare;
  }

  async #changed(descriptor: Descriptor, depth: number, place?: LayerPlace): Promise<Descriptor | undefined> {
    const { mediaType } = descriptor;
    if (isManifestType(mediaType)) return this.#document(descriptor, (text) => this.#manifest(text, depth));
    if (isIndexType(mediaType)) return this.#document(descriptor, (text) => this.#index(text, depth));
    return this.#options.layer?.(this.#content, this.#scope, descriptor, place);
  }

  /** Reads a document, has it changed, and writes what came of it. */
  async #document(
    descriptor: Descriptor,
    change: (document: Json) => Promise<{ readonly document: Json; readonly swaps: readonly Swap[] }>,
  ): Promise<Descriptor | undefined> {
    const bytes = await readBlob(this.#content, this.#scope, descriptor, maxManifestBytes);
    decodeManifestOrIndex(bytes, descriptor.mediaType); // says what is wrong with it
    const before = JSON.parse(new TextDecoder().decode(bytes)) as Json;
    const { document, swaps } = await change(before);
    const stated = document.mediaType;
    const renamed = this.#options.toOci === true && typeof stated === 'string' && isDocker(stated);
    if (swaps.length === 0 && !renamed) return undefined;
    const after = inOrder(renamed ? { ...document, mediaType: ociOf(stated) } : document);
    const { labels } = await this.#content.info(this.#scope, descriptor.digest);
    const text = Buffer.from(goJson(after));
    const written = await writeBlob(this.#content, this.#scope, {
      mediaType: descriptor.mediaType,
      bytes: text,
      labels: relabelled(labels, swaps),
    });
    return { ...descriptor, digest: written.digest, size: written.size };
  }

  async #manifest(document: Json, depth: number) {
    const layers = (document.layers ?? []) as readonly Descriptor[];
    const swaps: Swap[] = [];
    const convertedLayers: Descriptor[] = [];
    for (const [at, layer] of layers.entries()) {
      const converted = await this.convert(layer, depth + 1, { at, count: layers.length });
      if (converted !== undefined) swaps.push({ from: layer, to: converted, key: `l.${at}` });
      convertedLayers.push(converted ?? layer);
    }
    const config = document.config as Descriptor;
    const convertedConfig = await this.convert(config, depth + 1);
    if (convertedConfig !== undefined) swaps.push({ from: config, to: convertedConfig, key: 'config' });
    return { document: { ...document, config: convertedConfig ?? config, layers: convertedLayers }, swaps };
  }

  async #has({ digest }: Descriptor): Promise<boolean> {
    try {
      await this.#content.info(this.#scope, digest);
      return true;
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return false;
      throw thrown;
    }
  }

  async #index(document: Json, depth: number) {
    const swaps: Swap[] = [];
    const kept: Descriptor[] = [];
    for (const [at, one] of (document.manifests as readonly Descriptor[]).entries()) {
      if (one.platform !== undefined && !this.#options.platforms.match(normalizePlatform(one.platform))) {
        if (this.#options.others === 'keep') kept.push(one);
        else swaps.push({ from: one });
        continue;
      }
      if (this.#options.others === 'keep' && !(await this.#has(one))) {
        kept.push(one);
        continue;
      }
      const converted = await this.convert(one, depth + 1);
      if (converted !== undefined) swaps.push({ from: one, to: converted, key: `m.${at}` });
      kept.push(converted ?? one);
    }
    return { document: { ...document, manifests: kept }, swaps };
  }
}

/** A descriptor that was replaced, or, without `to`, left out. */
interface Swap {
  readonly from: Descriptor;
  readonly to?: Descriptor;
  readonly key?: string;
}

function relabelled(labels: Labels, swaps: readonly Swap[]): Labels {
  const gone = new Set<string>(swaps.map(({ from }) => from.digest));
  const kept = Object.entries(labels).filter(([key, value]) => !(key.startsWith(referencePrefix) && gone.has(value)));
  const added = swaps.flatMap(({ to, key }) =>
    to === undefined || key === undefined ? [] : [[`${referencePrefix}.${key}`, to.digest] as const],
  );
  return Object.fromEntries([...kept, ...added]);
}

const ociTypes: Readonly<Record<string, string>> = {
  [m.dockerManifestList]: m.ociIndex,
  [m.dockerManifest]: m.ociManifest,
  [m.dockerLayerGzip]: m.ociLayerGzip,
  [m.dockerForeignLayerGzip]: m.ociForeignLayerGzip,
  [m.dockerLayer]: m.ociLayer,
  [m.dockerForeignLayer]: m.ociForeignLayer,
  [m.dockerLayerZstd]: m.ociLayerZstd,
  [m.dockerConfig]: m.ociConfig,
};
const ociOf = (mediaType: string): string => ociTypes[mediaType] ?? mediaType;
const isDocker = (mediaType: string): boolean => mediaType.startsWith('application/vnd.docker.');

const documentOrder = [
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'manifests',
  'subject',
  'annotations',
];
const descriptorOrder = ['mediaType', 'digest', 'size', 'urls', 'annotations', 'data', 'platform', 'artifactType'];
const platformOrder = ['architecture', 'os', 'os.version', 'os.features', 'variant'];

/** In the order in which Go's programs write, so that the same conversion gives the same digest everywhere. */
function inOrder(document: Json): Json {
  const descriptor = (one: unknown): Json => {
    const { platform, ...rest } = one as Json & { readonly platform?: Json };
    return sorted(
      { ...rest, ...(platform === undefined ? {} : { platform: sorted(platform, platformOrder) }) },
      descriptorOrder,
    );
  };
  const all = (list: unknown) => (list as readonly unknown[]).map(descriptor);
  return sorted(
    {
      ...document,
      ...(document.config === undefined ? {} : { config: descriptor(document.config) }),
      ...(document.layers === undefined ? {} : { layers: all(document.layers) }),
      ...(document.manifests === undefined ? {} : { manifests: all(document.manifests) }),
    },
    documentOrder,
  );
}

/** Known keys first; the others follow as they came. */
function sorted(object: Json, order: readonly string[]): Json {
  const known = order.filter((key) => Object.hasOwn(object, key));
  const others = Object.keys(object).filter((key) => !order.includes(key));
  return Object.fromEntries([...known, ...others].map((key) => [key, object[key]]));
}
