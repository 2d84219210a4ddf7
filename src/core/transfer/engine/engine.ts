import { wrap } from '#base/errors';
import type { Log } from '#base/log';
import type { Descriptor } from '#core/descriptor';
import type { Differ } from '#core/diff/diff';
import { orderedDiffer } from '#core/diff/ordered';
import type { Image } from '#core/images/images';
import type { ImageVerifier } from '#core/images/verifier';
import type { Scope } from '#core/scope';
import { Limiter } from '#core/transfer/limiter';
import { ProgressBoard } from '#core/transfer/progress';
import { sourceLabel, withSource } from '#core/transfer/references';
import type {
  ExportOptions,
  ImportName,
  ImportOptions,
  Naming,
  PullOptions,
  PushOptions,
  RegistryEnd,
  Transfer,
  UnpackTarget,
} from '#core/transfer/transfer';
import { defaultPlatform, onlyPlatform, type Platform } from '#lib/platform';
import { objectOf, parseReference, type Reference } from '#lib/reference';
import type { Repository } from '#lib/registry/repository';
import { blobInRanges } from './blob-in-ranges.ts';
import { exportImages } from './export-archive.ts';
import { Gathering, type GatherSource } from './gather.ts';
import { ArchiveImport } from './import-archive.ts';
import { namesFor } from './import-names.ts';
import { Intake } from './intake.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { nameImage } from './name-image.ts';
import { Push } from './push.ts';
import type { Registries } from './registries.ts';
import type { TransferStores } from './transfer-stores.ts';
import { Unpacker } from './unpack.ts';
import { verifyImage } from './verify.ts';

export interface EngineParts {
  readonly metadata: TransferStores;
  readonly differ: Differ;
  readonly registries: Registries;
  readonly downloads: Limiter;
  readonly uploads: Limiter;
  readonly unpacks: Limiter;
  /** Judge what is pulled, before any of it is fetched. */
  readonly verifiers?: ReadonlyMap<string, ImageVerifier>;
  /** Where nobody says anything else. */
  readonly defaultSnapshotter: string;
  /** What is usual for images of which platform; the first that fits counts. */
  readonly unpackConfig?: readonly UnpackRule[];
  /** Whether all transfers into these stores are this engine's; see `LeaseKeeper`. */
  readonly alone: boolean;
  /** Blobs longer than this are fetched by several requests of so many bytes, as far as downloads leave places; 0: by one. */
  readonly rangeBytes?: number;
  readonly log: Log;
}

export interface UnpackRule {
  readonly platform: Platform;
  readonly snapshotter: string;
  /** Unpacks for that snapshotter, before the others. */
  readonly differ?: Differ;
}

const snapshotterLabel = 'containerd.io/defaults/snapshotter';

/** Transfers by whoever holds this: it talks to registries itself, and to stores through their interfaces. */
export class TransferEngine implements Transfer {
  readonly #parts: EngineParts;
  readonly #leases: LeaseKeeper;
  readonly #gather: {
    readonly content: TransferStores['content'];
    readonly intake: Intake;
    readonly unpacker: Unpacker;
  };

  constructor(parts: EngineParts) {
    const { metadata, downloads, unpacks, alone, log } = parts;
    this.#parts = parts;
    this.#leases = new LeaseKeeper(metadata, { alone, log });
    this.#gather = {
      content: metadata.content,
      intake: new Intake(metadata.content, downloads),
      unpacker: new Unpacker(metadata, differOf(parts), unpacks, log),
    };
  }

  async pull(scope: Scope, source: RegistryEnd, options: PullOptions): Promise<Image> {
    const reference = parseReference(source.reference);
    using board = new ProgressBoard(options.onProgress, scope.trace);
    const from = `OCI Registry (${source.reference})`;
    return await this.#leases.run(scope, options.image.name, async (leased) => {
      board.say(`Resolving from ${from}`);
      const repository = await this.#parts.registries.open(source, reference);
      const target = await resolve(repository, reference, source.reference, leased.signal);
      const { verifiers = new Map(), log } = this.#parts;
      await verifyImage(verifiers, source.reference, target, { signal: leased.signal, log });
      const { name } = options.image;
      board.say(`Pulling from ${from}`);
      board.set(name, { event: 'fetching image content', descriptor: target });
      const unpacks = await this.#targets(leased, options.unpacks);
      const gathering = new Gathering(
        this.#gatherFor(options.maxDownloads),
        sourceOf(repository, this.#parts),
        { ...options, unpacks },
        board,
      );
      await this.#cleaning(gathering.run(leased, target, name));
      const { images } = this.#parts.metadata;
      for (const further of namesFor(target, options.names ?? []))
        await nameImage(images, leased, { ...options.image, name: further }, target);
      const image = await nameImage(images, leased, options.image, target);
      board.set(name, { event: 'saved' });
      board.say(`Completed pull from ${from}`);
      return image;
    });
  }

  async push(scope: Scope, name: string, destination: RegistryEnd, options: PushOptions): Promise<void> {
    const reference = parseReference(destination.reference);
    const { metadata, registries, uploads } = this.#parts;
    using board = new ProgressBoard(options.onProgress, scope.trace);
    const image = await metadata.images.get(scope, name);
    board.say(`Pushing to OCI Registry (${destination.reference})`);
    board.set(name, { event: 'pushing content', descriptor: image.target });
    const repository = await registries.open(destination, reference);
    const { platforms, maxUploads, nonDistributable = false } = options;
    const push = new Push({
      content: metadata.content,
      repository,
      uploads: maxUploads === undefined ? uploads : new Limiter(maxUploads),
      platforms,
      nonDistributable,
      board,
    });
    await push.run(scope, image.target, objectOf(reference), name);
    board.set(name, { event: 'pushed' });
    board.say(`Completed push to OCI Registry (${destination.reference})`);
  }

  async import(scope: Scope, archive: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<readonly Image[]> {
    using board = new ProgressBoard(options.onProgress, scope.trace);
    const unpacks = await this.#targets(scope, options.unpacks);
    const { metadata } = this.#parts;
    return await this.#leases.run(scope, options.image.name || 'import', async (leased) => {
      board.say('Importing');
      const work = new ArchiveImport({ ...this.#gather, images: metadata.images }, { ...options, unpacks }, board);
      const images = await this.#cleaning(work.run(leased, archive));
      for (const image of images) board.set(image.name, { event: 'saved', descriptor: image.target });
      board.say('Completed import');
      return images;
    });
  }

  async *export(scope: Scope, names: readonly string[], options: ExportOptions): AsyncIterable<Uint8Array> {
    using board = new ProgressBoard(options.onProgress, scope.trace);
    const { images, content } = this.#parts.metadata;
    board.say('Exporting');
    const found: Image[] = [];
    for (const name of names) found.push(await images.get(scope, name));
    yield* exportImages(content, scope, found, options);
    board.say('Completed export');
  }

  async tag(scope: Scope, source: string, target: Naming, names: readonly ImportName[] = []): Promise<Image> {
    const { images } = this.#parts.metadata;
    const image = await images.get(scope, source);
    for (const name of namesFor(image.target, names)) await nameImage(images, scope, { ...target, name }, image.target);
    return nameImage(images, scope, target, image.target);
  }

  /** With fewer downloads at once than usual, where that was asked for. */
  #gatherFor(maxDownloads: number | undefined) {
    if (maxDownloads === undefined) return this.#gather;
    return { ...this.#gather, intake: new Intake(this.#gather.content, new Limiter(maxDownloads)) };
  }

  async #cleaning<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      await this.#gather.unpacker.removeLeftovers();
      throw error;
    }
  }

  async #targets(scope: Scope, targets: readonly UnpackTarget[]): Promise<readonly UnpackTarget[]> {
    if (targets.every(({ snapshotter }) => snapshotter !== '')) return targets;
    const { labels } = await this.#parts.metadata.namespaces.get(scope.namespace);
    const { unpackConfig = [], defaultSnapshotter } = this.#parts;
    const usualFor = ({ platform = defaultPlatform() }: UnpackTarget): string =>
      labels[snapshotterLabel] ??
      unpackConfig.find((rule) => onlyPlatform(platform).match(rule.platform))?.snapshotter ??
      defaultSnapshotter;
    return targets.map((target) => (target.snapshotter === '' ? { ...target, snapshotter: usualFor(target) } : target));
  }
}

function differOf({ differ, unpackConfig = [] }: EngineParts): (snapshotter: string) => Differ {
  const special = new Map<string, Differ>();
  for (const { snapshotter, differ: own } of unpackConfig)
    if (own !== undefined && !special.has(snapshotter)) special.set(snapshotter, preferring(own, differ));
  return (snapshotter) => special.get(snapshotter) ?? differ;
}

/** One that waits for whole layers is not passed over for another that does not. */
function preferring(own: Differ, others: Differ): Differ {
  const { apply, compare } = orderedDiffer([own, others]);
  return { apply, compare, ...(own.unpack !== undefined && { unpack: own.unpack.bind(own) }) };
}

async function resolve(
  repository: Repository,
  reference: Reference,
  text: string,
  signal: AbortSignal,
): Promise<Descriptor> {
  try {
    return await repository.resolve(objectOf(reference), signal);
  } catch (error) {
    throw wrap(error, `failed to resolve reference ${JSON.stringify(text)}`);
  }
}

function sourceOf(repository: Repository, { downloads, rangeBytes = 0 }: EngineParts): GatherSource {
  const key = sourceLabel(repository.name.registry);
  return {
    document: (descriptor, signal) => repository.manifest(descriptor, signal),
    blob: (descriptor, offset, signal) =>
      rangeBytes === 0 || descriptor.size - offset <= rangeBytes
        ? repository.blob(descriptor, offset, signal)
        : blobInRanges(repository, descriptor, offset, { signal, chunkBytes: rangeBytes, downloads }),
    labels: (known) => ({ [key]: withSource(known[key], repository.name.path) }),
  };
}
