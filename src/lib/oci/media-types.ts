/** The media types of images, OCI's and docker's. */
export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  ociDescriptor: 'application/vnd.oci.descriptor.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociForeignLayer: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  ociForeignLayerGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  ociForeignLayerZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerForeignLayer: 'application/vnd.docker.image.rootfs.foreign.diff.tar',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  dockerSchema1Manifest: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
  dockerSchema1Unsigned: 'application/vnd.docker.distribution.manifest.v1+json',
  /** What is put into a stream when its type is not known. */
  octets: 'application/octet-stream',
  checkpoint: 'application/vnd.containerd.container.criu.checkpoint.criu.tar',
  checkpointPreDump: 'application/vnd.containerd.container.criu.checkpoint.predump.tar',
  checkpointOptions: 'application/vnd.containerd.container.checkpoint.options.v1+proto',
  checkpointConfig: 'application/vnd.containerd.container.checkpoint.config.v1+proto',
  checkpointRuntimeName: 'application/vnd.containerd.container.checkpoint.runtime.name',
  checkpointRuntimeOptions: 'application/vnd.containerd.container.checkpoint.runtime.options+proto',
} as const;

export const isManifestType = (mediaType: string): boolean => manifests.has(mediaType);
export const isIndexType = (mediaType: string): boolean => indexes.has(mediaType);
export const isConfigType = (mediaType: string): boolean => configs.has(mediaType);
/** Docker's first format, which holds no content addresses; nobody should make or take it any more. */
export const isSchema1Type = (mediaType: string): boolean => schema1.has(mediaType);

/** What has to be done with a layer's bytes to get a tar. `sniff`: docker's plain type says nothing about compression in practice. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'sniff';

/** How a layer is stored, or undefined for what is no layer. Suffixes such as `+encrypted` are read over. */
export function layerCompression(mediaType: string): Compression | undefined {
  const [base, ...suffixes] = mediaType.split('+') as [string, ...string[]];
  const docker = dockerLayers.get(base);
  if (docker !== undefined) return docker === 'sniff' ? (suffixOf(suffixes) ?? 'sniff') : docker;
  return ociLayers.has(base) ? (suffixOf(suffixes) ?? 'none') : undefined;
}

export const isLayerType = (mediaType: string): boolean => layerCompression(mediaType) !== undefined;

/** A layer that registries may not hold and pushes leave out. */
export const isForeignLayer = (mediaType: string): boolean => foreign.has(mediaType.split('+', 1)[0] as string);

export const isEncrypted = (mediaType: string): boolean => mediaType.split('+').includes('encrypted');

/** The type of what comes out when the layer is decrypted. */
export const decryptedType = (mediaType: string): string =>
  mediaType
    .split('+')
    .filter((part) => part !== 'encrypted')
    .join('+');

const m = mediaTypes;
const manifests: ReadonlySet<string> = new Set([m.ociManifest, m.dockerManifest]);
const indexes: ReadonlySet<string> = new Set([m.ociIndex, m.dockerManifestList]);
const configs: ReadonlySet<string> = new Set([m.ociConfig, m.dockerConfig]);
const schema1: ReadonlySet<string> = new Set([m.dockerSchema1Manifest, m.dockerSchema1Unsigned]);
const ociLayers: ReadonlySet<string> = new Set([m.ociLayer, m.ociForeignLayer]);
const foreign: ReadonlySet<string> = new Set([m.ociForeignLayer, m.dockerForeignLayer, m.dockerForeignLayerGzip]);
const dockerLayers: ReadonlyMap<string, Compression> = new Map([
  [m.dockerLayer, 'sniff'],
  [m.dockerLayerGzip, 'gzip'],
  [m.dockerLayerZstd, 'zstd'],
  [m.dockerForeignLayer, 'sniff'],
  [m.dockerForeignLayerGzip, 'gzip'],
]);

function suffixOf(suffixes: readonly string[]): Compression | undefined {
  if (suffixes.includes('gzip')) return 'gzip';
  return suffixes.includes('zstd') ? 'zstd' : undefined;
}
