import { invalidArgument, notFound } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { Image, ImageStore } from '#core/images/images';
import type { Scope } from '#core/scope';
import type { ProgressBoard } from '#core/transfer/progress';
import { referenceLabels } from '#core/transfer/references';
import type { ImportOptions } from '#core/transfer/transfer';
import { decodeIndex, type Index } from '#lib/oci/manifest';
import { isIndexType, isManifestType, mediaTypes } from '#lib/oci/media-types';
import { type ArchiveContent, storeArchive, storeDocument } from './archive-content.ts';
import { decompressed } from './decompress.ts';
import { dockerImages } from './docker-archive.ts';
import { Gathering, type GatherSource } from './gather.ts';
import { namesFor } from './import-names.ts';
import type { Intake } from './intake.ts';
import { nameImage } from './name-image.ts';
import type { Unpacker } from './unpack.ts';

export interface ImportParts {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly intake: Intake;
  readonly unpacker: Unpacker;
}

const maxIndexBytes = 20 << 20;

/** Whatever the archive did not have is not there. */
const emptySource: GatherSource = {
  document: async ({ digest }) => {
    throw notFound(`content digest ${digest}`);
  },
  // biome-ignore lint/correctness/useYield: it has nothing to yield
  async *blob({ digest }) {
    throw notFound(`content digest ${digest}`);
  },
  labels: () => ({}),
};

/** One archive on its way in: first its blobs, then what they mean, then unpacking, and the names last. */
export class ArchiveImport {
  readonly #parts: ImportParts;
  readonly #options: ImportOptions;
  readonly #board: ProgressBoard;

  constructor(parts: ImportParts, options: ImportOptions, board: ProgressBoard) {
    this.#parts = parts;
    this.#options = options;
    this.#board = board;
  }

  /** @throws as `Transfer.import` */
  async run(scope: Scope, archive: AsyncIterable<Uint8Array>): Promise<readonly Image[]> {
    const { content, images } = this.#parts;
    const stored = await storeArchive(content, scope, decompressed(archive));
    const entries = await this.#entries(scope, stored);
    if (entries.length === 0) throw invalidArgument('archive: no image in it');
    for (const entry of entries) await this.#gather(scope, entry);
    const made: Image[] = [];
    const { image } = this.#options;
    if (image.name !== '') made.push(await nameImage(images, scope, image, await this.#whole(scope, entries)));
    for (const entry of entries) {
      const { annotations: _, platform: __, ...target } = entry;
      for (const name of namesFor(entry, this.#options.names))
        made.push(await nameImage(images, scope, { name, labels: image.labels }, target));
    }
    return made;
  }

  /** The images of the archive, each perhaps several times under different names. */
  async #entries(scope: Scope, { documents, files }: ArchiveContent): Promise<readonly Descriptor[]> {
    const layout = documents.get('oci-layout');
    const index = documents.get('index.json');
    if (layout !== undefined && index !== undefined) {
      const { manifests } = decodeIndex(index, mediaTypes.ociIndex, maxIndexBytes);
      return manifests.filter(({ mediaType }) => isManifestType(mediaType) || isIndexType(mediaType));
    }
    const docker = documents.get('manifest.json');
    if (docker === undefined) throw invalidArgument('archive: neither an OCI layout nor a Docker image archive');
    return dockerImages(this.#parts.content, scope, docker, files, {
      forceCompress: this.#options.forceCompress === true,
    });
  }

  async #gather(scope: Scope, entry: Descriptor): Promise<void> {
    const { allMetadata, manifestLimit, platforms, unpacks } = this.#options;
    const options = { allMetadata, manifestLimit, platforms, unpacks, presentOnly: true };
    await new Gathering(this.#parts, emptySource, options, this.#board).run(scope, entry, 'import');
  }

  /** What the archive as a whole is called: its only image, or an index of all. */
  async #whole(scope: Scope, entries: readonly Descriptor[]): Promise<Descriptor> {
    const unique = [...new Map(entries.map((entry) => [entry.digest, entry])).values()];
    const [only] = unique;
    if (unique.length === 1 && only !== undefined) {
      const { annotations: _, platform: __, ...target } = only;
      return target;
    }
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: unique };
    const bytes = Buffer.from(JSON.stringify(index));
    const decoded: Index = decodeIndex(bytes, mediaTypes.ociIndex, maxIndexBytes);
    return storeDocument(this.#parts.content, scope, bytes, mediaTypes.ociIndex, referenceLabels(decoded));
  }
}
