import { gzipSync } from 'node:zlib';
import { type FakeRegistry, sha256 } from './fake-registry.ts';

export interface SampleLayer {
  readonly tar: Buffer;
  readonly blob: Buffer;
  readonly diffId: string;
  readonly descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
}

export interface SampleImage {
  readonly manifest: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly manifestBody: Buffer;
  readonly config: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly configBody: Buffer;
  readonly layers: readonly SampleLayer[];
}

const types = {
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  config: 'application/vnd.oci.image.config.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
};

/** A layer with these files, gzipped. A name that ends with a slash is a directory. */
export function sampleLayer(files: Readonly<Record<string, string | Uint8Array>>): SampleLayer {
  const blocks: Buffer[] = [];
  for (const [name, text] of Object.entries(files)) {
    const body = Buffer.from(text as string);
    blocks.push(header(name, body.length), body, Buffer.alloc((512 - (body.length % 512)) % 512));
  }
  const tar = Buffer.concat([...blocks, Buffer.alloc(1024)]);
  const blob = gzipSync(tar, { level: 1 });
  const descriptor = { mediaType: types.layer, digest: sha256(blob), size: blob.length };
  return { tar, blob, diffId: sha256(tar), descriptor };
}

/** An image of these layers for one platform. `diffIds` may be given wrong, for tests of that. */
export function sampleImage(
  layers: readonly SampleLayer[],
  options: {
    readonly architecture?: string;
    readonly diffIds?: readonly string[];
    readonly config?: Readonly<Record<string, unknown>>;
  } = {},
): SampleImage {
  const diffIds = options.diffIds ?? layers.map((layer) => layer.diffId);
  const configBody = Buffer.from(
    JSON.stringify({
      architecture: options.architecture ?? (process.arch === 'x64' ? 'amd64' : process.arch),
      os: 'linux',
      config: options.config ?? { Cmd: ['true'] },
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  );
  const config = { mediaType: types.config, digest: sha256(configBody), size: configBody.length };
  const document = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config,
    layers: layers.map((layer) => layer.descriptor),
  };
  const manifestBody = Buffer.from(JSON.stringify(document));
  const manifest = { mediaType: types.manifest, digest: sha256(manifestBody), size: manifestBody.length };
  return { manifest, manifestBody, config, configBody, layers };
}

/** Puts an image into the registry under a tag. */
export function publish(registry: FakeRegistry, repository: string, tag: string, image: SampleImage): void {
  registry.blob(image.configBody);
  for (const layer of image.layers) registry.blob(layer.blob);
  registry.manifest(repository, tag, types.manifest, image.manifestBody.toString());
}

/** Puts several images into the registry as one index; returns the index's descriptor. */
export function publishIndex(
  registry: FakeRegistry,
  repository: string,
  tag: string,
  images: Readonly<Record<string, SampleImage>>,
) {
  const manifests = Object.entries(images).map(([platform, image]) => {
    publish(registry, repository, `x-${platform.replaceAll('/', '-')}`, image);
    const [os, architecture, variant] = platform.split('/');
    return { ...image.manifest, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
  });
  return registry.manifest(repository, tag, types.index, { schemaVersion: 2, mediaType: types.index, manifests });
}

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  const directory = name.endsWith('/');
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  block.write(name, 0, 100, 'utf8');
  octal(directory ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(1_700_000_000, 136, 12);
  block.write(' '.repeat(8), 148, 'latin1');
  block.write(directory ? '5' : '0', 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
