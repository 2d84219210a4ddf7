import type { Image } from '#core/images/images';
import type { Labels } from '#core/labels';
import { type Slot, slot } from '#core/plugin/slot';
import type { Scope } from '#core/scope';
import type { Platform } from '#lib/platform';
import type { CredentialsOf } from '#lib/registry/credentials';
import type { DefaultScheme } from '#lib/registry/host';
import type { HttpWatch } from '#lib/registry/http-watch';
import type { Observer } from './progress.ts';

/**
 * Moves images between registries, archives and this daemon's stores.
 *
 * Whatever a transfer makes is held by a lease of its own until the image's name is written, which happens last; so a transfer that
 * is cut short leaves nothing that an image could miss, and what it had fetched may be taken up by the next one.
 */
export interface Transfer {
  /**
   * Fetches an image, unpacks it where `unpacks` asks for it, and names it. Layers are fetched, checked and unpacked at the same
   * time; a layer that another transfer is busy with is waited for, not done twice.
   * @throws not_found for the reference, or when no manifest is for the platforms; unauthenticated; failed_precondition when
   *   content is not what its digest says; invalid_argument for malformed or cyclic documents; resource_exhausted beyond the limits
   */
  pull(scope: Scope, source: RegistryEnd, options: PullOptions): Promise<Image>;

  /** Sends an image's content, what it refers to first. Layers that may not be distributed are left out. @throws not_found for the image or its content */
  push(scope: Scope, image: string, destination: RegistryEnd, options: PushOptions): Promise<void>;

  /**
   * Takes in an archive: an OCI layout or what `docker save` writes, plain or compressed, and names what it holds.
   * @throws invalid_argument for a bad archive; not_found when content is missing in it
   */
  import(scope: Scope, archive: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<readonly Image[]>;

  /** Writes images as an archive that both Docker and OCI tools read. @throws not_found for an image, or for content (`content digest sha256:…`) */
  export(scope: Scope, images: readonly string[], options: ExportOptions): AsyncIterable<Uint8Array>;

  /** Gives an image a further name, or several; a name is moved if it exists. @throws not_found */
  tag(scope: Scope, source: string, target: Naming, names?: readonly ImportName[]): Promise<Image>;
}
export const Transfer: Slot<Transfer> = slot('io.containerd.transfer.v1');

/** An image in a registry, and how to talk to that registry. */
export interface RegistryEnd {
  readonly reference: string;
  readonly credentials?: CredentialsOf;
  /** Sent to the reference's own registry with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A `certs.d` directory to use instead of the configured ones. */
  readonly hostDir?: string;
  readonly defaultScheme?: DefaultScheme;
  /** Hears what is said to the registry. */
  readonly watch?: HttpWatch;
}

export interface Naming {
  readonly name: string;
  readonly labels: Labels;
}

/** Where to unpack which platform's image. */
export interface UnpackTarget {
  /** Absent: the one that was fetched for this machine. */
  readonly platform?: Platform;
  /** Empty: the namespace's or the daemon's default. */
  readonly snapshotter: string;
}

interface Selection {
  /** Which of an index's manifests; none means all. */
  readonly platforms: readonly Platform[];
  /** Take the manifests and configurations of the others, too. */
  readonly allMetadata: boolean;
  /** Most manifests from one index; 0: no limit. */
  readonly manifestLimit: number;
}

export interface PullOptions extends Selection {
  readonly image: Naming;
  /** Further names for it. What a prefix stands for an archive would say; here it counts for `addDigest` alone. */
  readonly names?: readonly ImportName[];
  readonly unpacks: readonly UnpackTarget[];
  readonly onProgress?: Observer;
  /** No layers: only documents and configurations, of all platforms. Unlike what stands above, this and the next two cannot be asked of a daemon. */
  readonly metadataOnly?: boolean;
  /** At most so many blobs at once; absent: as many as whoever performs it allows. */
  readonly maxDownloads?: number;
  /** See `ApplyOptions.syncFs`. */
  readonly syncFs?: boolean;
}

export interface PushOptions {
  readonly platforms: readonly Platform[];
  /** At most so many blobs at once; absent: as many as whoever performs it allows. This and the next cannot be asked of a daemon. */
  readonly maxUploads?: number;
  /** Send layers that are marked as not to be distributed, too. */
  readonly nonDistributable?: boolean;
  readonly onProgress?: Observer;
}

/** How images of an archive are called. */
export interface ImportName {
  readonly name: string;
  /** `name` is a repository: tags found in the archive are put behind it. */
  readonly isPrefix: boolean;
  /** A full name in the archive counts instead. */
  readonly allowOverwrite: boolean;
  /** Also `name@digest`. */
  readonly addDigest: boolean;
  /** But not for images that have got a name by tag. */
  readonly skipNamedDigest: boolean;
}

export interface ImportOptions extends Selection {
  /** For the archive's index as a whole; empty: none. */
  readonly image: Naming;
  readonly names: readonly ImportName[];
  /** Store layers that come uncompressed with gzip. */
  readonly forceCompress: boolean;
  readonly unpacks: readonly UnpackTarget[];
  /** See `ApplyOptions.syncFs`. Cannot be asked of a daemon. */
  readonly syncFs?: boolean;
  readonly onProgress?: Observer;
}

export interface ExportOptions {
  /** None means this machine's. */
  readonly platforms: readonly Platform[];
  /** Every platform's, all of which must be there. */
  readonly allPlatforms: boolean;
  readonly skipDockerManifest: boolean;
  readonly skipNonDistributable: boolean;
  readonly onProgress?: Observer;
}
