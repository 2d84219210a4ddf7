import type { Image } from '#core/images/images';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';
import type { Observer } from '#core/transfer/progress';
import type { ImportName, RegistryEnd } from '#core/transfer/transfer';
import { defaultPlatform, type Platform } from '#lib/platform';
import type { Client, Performer } from './client.ts';

/** How to reach a registry; see `RegistryEnd`. */
export type RegistryOptions = Omit<RegistryEnd, 'reference'>;

interface Common {
  /** Which of an index's images; absent: this machine's. `'all'`: all of them. */
  readonly platforms?: readonly Platform[] | 'all';
  /** Told of progress some ten times a second; must return at once. */
  readonly onProgress?: Observer;
  /** Who does the work; absent: the daemon, unless it cannot. */
  readonly performer?: Performer;
}

interface Unpacking {
  /** Absent: unpack what is fetched for this machine, or for the only platform that was named. */
  readonly unpack?: boolean;
  /** Empty: the namespace's or the daemon's default. */
  readonly snapshotter?: string;
  readonly labels?: Labels;
  /** Have unpacked files brought to the disk at once: this process performs it then. */
  readonly syncFs?: boolean;
}

export interface PullImageOptions extends Common, Unpacking, RegistryOptions {
  /** What to call it; absent: as it was asked for. */
  readonly name?: string;
  /** Fetch manifests and configurations of the other platforms, too. */
  readonly allMetadata?: boolean;
  /** See `PullOptions`: this process performs it then. */
  readonly metadataOnly?: boolean;
  readonly maxDownloads?: number;
}

/** Fetches an image and unpacks it. The reference is a full one (`docker.io/library/busybox:latest`). @throws as `Transfer.pull` */
export async function pull(
  client: Client,
  scope: Scope,
  reference: string,
  options: PullImageOptions = {},
): Promise<Image> {
  const platforms = platformsOf(options);
  const { metadataOnly = false, maxDownloads, syncFs = false } = options;
  const ours = metadataOnly || maxDownloads !== undefined || syncFs;
  const transfer = await client.transferBy(options.performer ?? (ours ? 'client' : undefined));
  return transfer.pull(scope, registryEnd(reference, options), {
    image: { name: options.name ?? reference, labels: options.labels ?? {} },
    platforms,
    allMetadata: options.allMetadata ?? false,
    manifestLimit: 0,
    unpacks: metadataOnly ? [] : unpacksOf(platforms, options),
    ...observed(options),
    ...(metadataOnly && { metadataOnly }),
    ...(maxDownloads !== undefined && { maxDownloads }),
    ...(syncFs && { syncFs }),
  });
}

export interface PushImageOptions extends Common, RegistryOptions {
  /** The image to send; absent: the one that is called like the reference. */
  readonly name?: string;
  /** See `PushOptions`: this process performs it then. */
  readonly maxUploads?: number;
  readonly nonDistributable?: boolean;
}

/** Sends an image; all of it where no platform is named. @throws as `Transfer.push` */
export async function push(
  client: Client,
  scope: Scope,
  reference: string,
  options: PushImageOptions = {},
): Promise<void> {
  const { platforms = 'all', maxUploads, nonDistributable = false } = options;
  const ours = maxUploads !== undefined || nonDistributable;
  const transfer = await client.transferBy(options.performer ?? (ours ? 'client' : undefined));
  return transfer.push(scope, options.name ?? reference, registryEnd(reference, options), {
    platforms: platforms === 'all' ? [] : platforms,
    ...(maxUploads !== undefined && { maxUploads }),
    ...(nonDistributable && { nonDistributable }),
    ...observed(options),
  });
}

export interface ImportImagesOptions extends Common, Unpacking {
  /** A name for the archive as a whole. */
  readonly indexName?: string;
  /** How its images are called; absent: as they say themselves. */
  readonly names?: readonly ImportName[];
  /** Store layers that come uncompressed with gzip. */
  readonly forceCompress?: boolean;
}

/** Takes in an archive. @throws as `Transfer.import` */
export async function importImages(
  client: Client,
  scope: Scope,
  archive: AsyncIterable<Uint8Array>,
  options: ImportImagesOptions = {},
): Promise<readonly Image[]> {
  const { platforms = 'all', syncFs = false } = options;
  const transfer = await client.transferBy(options.performer ?? (syncFs ? 'client' : undefined));
  return transfer.import(scope, archive, {
    image: { name: options.indexName ?? '', labels: options.labels ?? {} },
    names: options.names ?? [asTheySay],
    platforms: platforms === 'all' ? [] : platforms,
    allMetadata: false,
    manifestLimit: 0,
    forceCompress: options.forceCompress ?? false,
    unpacks: unpacksOf(platforms === 'all' ? [] : platforms, options),
    ...(syncFs && { syncFs }),
    ...observed(options),
  });
}

const asTheySay: ImportName = {
  name: '',
  isPrefix: true,
  allowOverwrite: true,
  addDigest: false,
  skipNamedDigest: false,
};

export interface ExportImagesOptions extends Common {
  /** Leave out `manifest.json`, which Docker needs. */
  readonly skipDockerManifest?: boolean;
  readonly skipNonDistributable?: boolean;
}

/** Writes images as an archive. @throws as `Transfer.export` */
export async function* exportImages(
  client: Client,
  scope: Scope,
  names: readonly string[],
  options: ExportImagesOptions = {},
): AsyncIterable<Uint8Array> {
  const { platforms = [] } = options;
  const transfer = await client.transferBy(options.performer);
  yield* transfer.export(scope, names, {
    platforms: platforms === 'all' ? [] : platforms,
    allPlatforms: platforms === 'all',
    skipDockerManifest: options.skipDockerManifest ?? false,
    skipNonDistributable: options.skipNonDistributable ?? false,
    ...observed(options),
  });
}

function platformsOf({ platforms = [defaultPlatform()] }: Common): readonly Platform[] {
  return platforms === 'all' ? [] : platforms;
}

function unpacksOf(platforms: readonly Platform[], { unpack = true, snapshotter = '' }: Unpacking) {
  if (!unpack) return [];
  return platforms.length === 0 ? [{ snapshotter }] : platforms.map((platform) => ({ platform, snapshotter }));
}

function registryEnd(reference: string, options: RegistryOptions): RegistryEnd {
  const { credentials, headers, hostDir, defaultScheme, watch } = options;
  return {
    reference,
    ...(credentials !== undefined && { credentials }),
    ...(headers !== undefined && { headers }),
    ...(hostDir !== undefined && { hostDir }),
    ...(defaultScheme !== undefined && { defaultScheme }),
    ...(watch !== undefined && { watch }),
  };
}

const observed = ({ onProgress }: Common) => (onProgress === undefined ? {} : { onProgress });
