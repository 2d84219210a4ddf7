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
}
export const Differ = slot<Differ>('io.containerd.differ.v1');

export interface ApplyOptions {
  /** For stream processors, by their id. */
  readonly payloads?: Readonly<Record<string, Any>>;
  /** Bring the written files to the disk before returning. */
  readonly syncFs?: boolean;
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
