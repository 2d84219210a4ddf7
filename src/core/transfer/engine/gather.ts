import { invalidArgument, isFault, notFound, wrap } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import { readBlob } from '#core/images/image-content';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';
import type { ProgressBoard } from '#core/transfer/progress';
import { referenceLabels, refKey } from '#core/transfer/references';
import type { UnpackTarget } from '#core/transfer/transfer';
import { decodeImageConfig, maxConfigBytes } from '#lib/oci/image-config';
import { decodeManifestOrIndex, type Index, type Manifest, maxManifestBytes } from '#lib/oci/manifest';
import { isConfigType, isIndexType, isLayerType, isManifestType } from '#lib/oci/media-types';
import { defaultPlatform, formatPlatform, type Platform } from '#lib/platform';
import type { IncomingBlob, Intake } from './intake.ts';
import { bestFor, choose, type Selection } from './platform-choice.ts';
import { together } from './together.ts';
import type { Unpacker } from './unpack.ts';

/** How deep indexes may be nested, and how many documents one image may have. */
const maxDepth = 8;
const maxDocuments = 4096;

/** Where an image's content comes from. */
export interface GatherSource {
  /** A small document, whole. */
  document(descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array>;
  blob(descriptor: Descriptor, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** What to note on every blob, given what it has already. */
  labels(known: Labels): Labels;
}

export interface GatherOptions extends Selection {
  readonly allMetadata: boolean;
  /** Leave out manifests of an index that are not in the store, as long as one is there. */
  readonly presentOnly?: boolean;
  readonly metadataOnly?: boolean;
  readonly syncFs?: boolean;
  readonly unpacks: readonly (UnpackTarget & { readonly snapshotter: string })[];
}

/** A document that is to be fetched, and how it came to that. */
interface Visit {
  readonly descriptor: Descriptor;
  /** Digests of the documents above. */
  readonly path: readonly string[];
  readonly parent: string;
  readonly unpacks: GatherOptions['unpacks'];
  /** Only documents and configurations, no layers. */
  readonly metadataOnly: boolean;
}

/**
 * Brings an image with all that was selected into the store and unpacks it. Documents are followed from the top, layers and
 * unpacking begin as soon as they are known of.
 */
export class Gathering {
  readonly #content: ContentStore;
  readonly #intake: Intake;
  readonly #unpacker: Unpacker;
  readonly #source: GatherSource;
  readonly #options: GatherOptions;
  readonly #board: ProgressBoard;
  readonly #brought = new Map<string, IncomingBlob>();
  #documents = 0;

  constructor(
    parts: { readonly content: ContentStore; readonly intake: Intake; readonly unpacker: Unpacker },
    source: GatherSource,
    options: GatherOptions,
    board: ProgressBoard,
  ) {
    this.#content = parts.content;
    this.#intake = parts.intake;
    this.#unpacker = parts.unpacker;
    this.#source = source;
    this.#options = options;
    this.#board = board;
  }

  /** Settles when everything is in place. @throws as `Transfer.pull` */
  run(scope: Scope, target: Descriptor, name: string): Promise<void> {
    const { metadataOnly = false } = this.#options;
    const unpacks = metadataOnly ? [] : this.#options.unpacks;
    return this.#visit(scope, { descriptor: target, path: [], parent: name, unpacks, metadataOnly });
  }

  async #visit(scope: Scope, visit: Visit): Promise<void> {
    const { descriptor, path, parent } = visit;
    if (path.includes(descriptor.digest)) throw invalidArgument(`index ${descriptor.digest} refers to itself`);
    if (path.length > maxDepth) throw invalidArgument(`indexes are nested more than ${maxDepth} deep`);
    this.#documents++;
    if (this.#documents > maxDocuments) throw invalidArgument(`image has more than ${maxDocuments} manifests`);
    this.#board.set(refKey(descriptor), { parents: [parent], descriptor });
    const document = await this.#document(scope, descriptor);
    if (document.kind === 'index') await this.#index(scope, visit, document);
    else await this.#manifest(scope, visit, document);
  }

  async #index(scope: Scope, visit: Visit, index: Index): Promise<void> {
    const { descriptor, path, unpacks } = visit;
    const entries = await this.#available(scope, index.manifests);
    const chosen = visit.metadataOnly ? [] : choose(descriptor, entries, this.#options);
    const rest = this.#options.allMetadata || visit.metadataOnly ? entries : [];
    const others = rest.filter(
      (entry) => !chosen.includes(entry) && (isManifestType(entry.mediaType) || isIndexType(entry.mediaType)),
    );
    const owners = unpacks.map((target) => ({ target, entry: ownerOf(chosen, target.platform ?? defaultPlatform()) }));
    const orphan = visit.metadataOnly ? undefined : owners.find(({ entry }) => entry === undefined);
    if (orphan !== undefined) {
      const wanted = formatPlatform(orphan.target.platform ?? defaultPlatform());
      throw notFound(`no match for platform ${wanted} in manifest ${descriptor.digest}`);
    }
    const further = { path: [...path, descriptor.digest], parent: refKey(descriptor) };
    await together(scope, (inner) => [
      ...chosen.map((entry) => {
        const mine = owners.filter((owner) => owner.entry === entry).map(({ target }) => target);
        return this.#visit(inner, { descriptor: entry, ...further, unpacks: mine, metadataOnly: false });
      }),
      ...others.map((entry) => this.#visit(inner, { descriptor: entry, ...further, unpacks: [], metadataOnly: true })),
    ]);
  }

  async #available(scope: Scope, entries: readonly Descriptor[]): Promise<readonly Descriptor[]> {
    if (this.#options.presentOnly !== true) return entries;
    const present: Descriptor[] = [];
    for (const entry of entries) if (await this.#has(scope, entry)) present.push(entry);
    return present.length === 0 ? entries : present;
  }

  async #has(scope: Scope, { digest }: Descriptor): Promise<boolean> {
    try {
      await this.#content.info(scope, digest);
      return true;
    } catch (error) {
      if (isFault(error, 'not_found')) return false;
      throw error;
    }
  }

  async #manifest(scope: Scope, visit: Visit, manifest: Manifest): Promise<void> {
    const parent = refKey(visit.descriptor);
    await together(scope, (inner) => {
      const bring = (descriptor: Descriptor) => {
        this.#board.set(refKey(descriptor), { parents: [parent], descriptor });
        return this.#bring(inner, descriptor);
      };
      const config = bring(manifest.config);
      if (visit.metadataOnly) return [config.done];
      const layers = manifest.layers.map(bring);
      const unpacks = isConfigType(manifest.config.mediaType) && manifest.layers.every(isLayer) ? visit.unpacks : [];
      return [
        config.done,
        ...layers.map(({ done }) => done),
        ...unpacks.map(async ({ snapshotter }) => {
          await config.done;
          const bytes = await readBlob(this.#content, inner, manifest.config, maxConfigBytes);
          const { diffIds } = naming(manifest.config, () => decodeImageConfig(bytes));
          const { syncFs = false } = this.#options;
          const order = { snapshotter, config: manifest.config, diffIds, layers, syncFs };
          await this.#unpacker.unpack(inner, order, this.#board);
        }),
      ];
    });
  }

  /** Once for each digest: images may have the same layer several times. */
  #bring(scope: Scope, descriptor: Descriptor): IncomingBlob {
    const known = this.#brought.get(descriptor.digest);
    if (known !== undefined) return known;
    const incoming = this.#intake.bring(
      scope,
      {
        descriptor,
        source: (offset, signal) => this.#source.blob(descriptor, offset, signal),
        labels: (labels) => this.#source.labels(labels),
      },
      this.#board,
    );
    this.#brought.set(descriptor.digest, incoming);
    return incoming;
  }

  /** A manifest or index, in the store with its references held, and read. */
  async #document(scope: Scope, descriptor: Descriptor): Promise<Manifest | Index> {
    if (descriptor.size > maxManifestBytes)
      throw invalidArgument(`manifest ${descriptor.digest} has ${descriptor.size} bytes, at most ${maxManifestBytes}`);
    let document: Manifest | Index | undefined;
    const fetch = async function* (this: Gathering, offset: number, signal: AbortSignal) {
      const bytes = await this.#source.document(descriptor, signal);
      // Read before it is kept: what makes no sense does not get into the store.
      document = naming(descriptor, () => decodeManifestOrIndex(bytes, descriptor.mediaType));
      yield bytes.subarray(offset);
    }.bind(this);
    const labels = (known: Labels) => ({
      ...this.#source.labels(known),
      ...(document === undefined ? {} : referenceLabels(document)),
    });
    await this.#intake.bring(scope, { descriptor, source: fetch, labels }, this.#board).done;
    if (document !== undefined) return document;
    // It was there: a client may have put it there without labels.
    const bytes = await readBlob(this.#content, scope, descriptor, maxManifestBytes);
    document = naming(descriptor, () => decodeManifestOrIndex(bytes, descriptor.mediaType));
    const { digest } = descriptor;
    const wanted = referenceLabels(document);
    const known = (await this.#content.info(scope, digest)).labels;
    const missing = Object.keys(wanted).filter((key) => known[key] !== wanted[key]);
    if (missing.length > 0)
      await this.#content.update(
        scope,
        { digest, labels: wanted },
        missing.map((key) => `labels.${key}`),
      );
    return document;
  }
}

/** Reads a document; an error says which one it is about. */
function naming<T>({ digest }: Descriptor, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw wrap(error, digest);
  }
}

const isLayer = ({ mediaType }: Descriptor): boolean => isLayerType(mediaType);

/** Which entry an unpack is for. An index whose entries say nothing of platforms has one entry for all. */
function ownerOf(chosen: readonly Descriptor[], platform: Platform): Descriptor | undefined {
  return bestFor(chosen, platform) ?? chosen.find((entry) => entry.platform === undefined);
}
