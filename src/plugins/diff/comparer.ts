import { randomBytes } from 'node:crypto';
import { internal, isFault, notImplemented, wrap } from '#base/errors';
import type { ContentStore, ContentWriter } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { CompareOptions } from '#core/diff/diff';
import type { Labels } from '#core/labels';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';
import { isEncrypted, layerCompression, mediaTypes } from '#lib/oci/media-types';
import type { Compression } from '#sys/inflater';
import { readonlyMounts, withTempMount } from '#sys/mount';
import { compareInThread } from './compare-thread.ts';
import type { CompareJob } from './compare-trees.ts';
import { overlayPair } from './overlay-changes.ts';

export interface ComparerParts {
  readonly content: ContentStore;
  /** '' for the system's own place. */
  readonly tempDir: string;
}

type Run = (trees: Pick<CompareJob, 'lower' | 'upper' | 'overlay'>) => Promise<string | undefined>;

const uncompressedLabel = 'containerd.io/uncompressed';

/** Makes layers of what differs between trees: the comparing half of a differ. */
export class Comparer {
  readonly #parts: ComparerParts;

  constructor(parts: ComparerParts) {
    this.#parts = parts;
  }

  /** See `Differ.compare`. */
  async compare(
    scope: Scope,
    lower: readonly Mount[],
    upper: readonly Mount[],
    options: CompareOptions = {},
  ): Promise<Descriptor> {
    const mediaType = options.mediaType || mediaTypes.ociLayerGzip;
    const compression = compressionFor(mediaType);
    try {
      return await this.#store(scope, mediaType, options, async (writer) => {
        const run = async (trees: Pick<CompareJob, 'lower' | 'upper' | 'overlay'>) => {
          const job = { ...trees, compression, latest: options.sourceDateEpoch };
          return (await compareInThread(job, (piece) => writer.write(piece), scope.signal)).diffId;
        };
        return (await this.#compareOverlay(lower, upper, run)) ?? (await this.#compareMounted(lower, upper, run));
      });
    } catch (thrown) {
      throw wrap(thrown, 'compare trees');
    }
  }

  /** `undefined` when it is no overlay over these very trees, or one that only overlayfs can read. */
  async #compareOverlay(lower: readonly Mount[], upper: readonly Mount[], run: Run): Promise<string | undefined> {
    const overlay = overlayPair(lower, upper);
    if (overlay === undefined) return undefined;
    return await this.#withMount(lower, (root) => run({ lower: root, upper: overlay.upperDir, overlay }));
  }

  /** Neither tree can be written through our mounts, so that a running container's upper directory may be one. */
  async #compareMounted(lower: readonly Mount[], upper: readonly Mount[], run: Run): Promise<string> {
    const diffId = await this.#withMount(upper, (upperRoot) =>
      lower.length === 0
        ? run({ lower: undefined, upper: upperRoot })
        : this.#withMount(lower, (lowerRoot) => run({ lower: lowerRoot, upper: upperRoot })),
    );
    if (diffId === undefined) throw internal('trees that were mounted could not be read');
    return diffId;
  }

  async #withMount<T>(mounts: readonly Mount[], use: (root: string) => Promise<T>): Promise<T> {
    const { tempDir } = this.#parts;
    return await withTempMount(readonlyMounts(mounts), use, tempDir === '' ? {} : { tempDir });
  }

  async #store(
    scope: Scope,
    mediaType: string,
    options: CompareOptions,
    produce: (writer: ContentWriter) => Promise<string>,
  ): Promise<Descriptor> {
    const { content } = this.#parts;
    const ref = options.ref || `uncompressed-${randomBytes(9).toString('base64url')}`;
    try {
      await using writer = await content.writer(scope, ref);
      if (writer.status().offset > 0) await writer.truncate(0);
      const diffId = await produce(writer);
      const digest = writer.digest();
      const size = writer.status().offset;
      const labels = { ...options.labels, [uncompressedLabel]: diffId };
      await this.#commit(scope, writer, size, digest, labels);
      return { mediaType, digest, size };
    } catch (thrown) {
      // A ref that we made up nobody will resume.
      if (!options.ref) await content.abort(scope, ref).catch(ignoreMissing);
      throw thrown;
    }
  }

  async #commit(scope: Scope, writer: ContentWriter, size: number, digest: Digest, labels: Labels): Promise<void> {
    try {
      await writer.commit(size, digest, labels);
    } catch (thrown) {
      if (!isFault(thrown, 'already_exists')) throw thrown;
      // The blob was there, perhaps without these labels.
      const fields = Object.keys(labels).map((key) => `labels.${key}`);
      await this.#parts.content.update(scope, { digest, labels }, fields);
    }
  }
}

/** @throws not_implemented */
function compressionFor(mediaType: string): Compression | undefined {
  const stored = isEncrypted(mediaType) ? undefined : layerCompression(mediaType);
  if (stored === undefined) throw notImplemented(`unsupported diff media type: ${mediaType}`);
  return stored === 'gzip' || stored === 'zstd' ? stored : undefined;
}

function ignoreMissing(thrown: unknown): void {
  if (!isFault(thrown, 'not_found')) throw thrown;
}
