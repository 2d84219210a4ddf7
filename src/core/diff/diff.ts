import type { Any } from '#base/any';
import type { Timestamp } from '#base/timestamp';
import type { Descriptor } from '#core/descriptor';
import type { Labels } from '#core/labels';
import type { Mount } from '#core/mount';
import { slot } from '#core/plugin/slot';
import type { Scope } from '#core/scope';

/** Turns layers into trees and differences of trees into layers. */
export interface Differ {
  /**
   * Unpacks the blob into what `mounts` show and returns the descriptor of the uncompressed tar: its digest is the layer's diff id.
   * Nothing outside the mounted tree is read or changed, whatever the layer holds.
   * @throws not_implemented for a media type that nobody here can read; not_found for the blob; invalid_argument or data_loss for a bad layer
   */
  apply(scope: Scope, layer: Descriptor, mounts: readonly Mount[], options?: ApplyOptions): Promise<Descriptor>;

  /**
   * Writes what turns `lower` into `upper` as a layer into the content store and returns its descriptor, labelled
   * `containerd.io/uncompressed`. @throws not_implemented for the media type
   */
  compare(
    scope: Scope,
    lower: readonly Mount[],
    upper: readonly Mount[],
    options?: CompareOptions,
  ): Promise<Descriptor>;

  /**
   * The same as `apply`, for a layer whose bytes are still arriving: they are inflated, hashed and written while the rest is on its way.
   * Absent where finished blobs only can be read (a differ on the other side of a wire). Never throws: faults come through `done`.
   */
  unpack?(scope: Scope, layer: ArrivingLayer, mounts: readonly Mount[], options?: ApplyOptions): LayerUnpack;
}
export const Differ = slot<Differ>('io.containerd.differ.v1', { perPlatform: true });

/** All differs as one, in the configured order: id `diff-service`. */
export const OrderedDiffer = slot<Differ>('io.containerd.service.v1');

/**
 * Compressed bytes on their way, in a file that only grows: `ContentWriter.path`, or a blob's. `unpack` opens it before it returns, so it
 * may be renamed or removed afterwards; cut it may not be.
 */
export interface ArrivingLayer {
  readonly mediaType: string;
  readonly path: string;
  /** Of the whole file, as far as is known: it says how many hands are worth calling, no more. */
  readonly expectedBytes?: number;
}

/**
 * One layer being unpacked. Disposing it before `done` has settled stops the work and waits until nothing more is written below the
 * mounts, so that they can be removed; what was written by then stays.
 */
export interface LayerUnpack extends AsyncDisposable {
  /** Says that the file holds `sizeBytes` now. Costs a store to shared memory: call it after every write. */
  arrived(sizeBytes: number): void;
  /** Says that the file is complete with `sizeBytes`. Without it, and without disposal, `done` never settles. */
  complete(sizeBytes: number): void;
  /**
   * The descriptor of the uncompressed tar, once all of it is in place. Rejects as `apply` throws, as soon as the layer turns out bad:
   * also before it is complete. Does not compare the digest with anything: the caller knows the diff id that the image names.
   */
  readonly done: Promise<Descriptor>;
}

export interface ApplyOptions {
  /** For stream processors, by their id. */
  readonly payloads?: Readonly<Record<string, Any>>;
  /** Bring the written files to the disk before returning. */
  readonly syncFs?: boolean;
  /**
   * The mounts show one layer alone that will later lie above others (a snapshot prepared without a parent, to be committed with one):
   * its deletions are kept as overlayfs reads them, instead of being carried out on what is there. A layer that leaves out a directory
   * which it needs cannot be unpacked so, because that directory's attributes are below: it throws `aborted` as soon as that turns out,
   * and is to be applied over its parent.
   */
  readonly keepWhiteouts?: boolean;
  /** Narrower bounds than the differ's own. */
  readonly limits?: Partial<LayerLimits>;
}

/** What one layer may take; beyond it `apply` throws resource_exhausted. */
export interface LayerLimits {
  /** Bytes of the uncompressed tar, and, counted apart, bytes of all files as their sizes say, holes included. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

export interface CompareOptions {
  /** Default: an OCI layer with gzip. */
  readonly mediaType?: string;
  /** The ingest to write under; made up when absent. */
  readonly ref?: string;
  readonly labels?: Labels;
  /** No time in the layer is later than this, so that it can be made again bit by bit. */
  readonly sourceDateEpoch?: Timestamp;
}
