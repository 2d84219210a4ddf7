import { isFault } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { Scope } from '#core/scope';
import { decompressed } from '#core/transfer/engine/decompress';
import { openWriter } from '#core/transfer/engine/open-writer';
import { layerCompression, mediaTypes as m } from '#lib/oci/media-types';

const chunk = 1 << 20;

const plainTypes: Readonly<Record<string, string>> = {
  [m.dockerLayerGzip]: m.dockerLayer,
  [m.dockerLayerZstd]: m.dockerLayer,
  [m.dockerForeignLayerGzip]: m.dockerForeignLayer,
  [m.ociLayerGzip]: m.ociLayer,
  [m.ociLayerZstd]: m.ociLayer,
  [m.ociForeignLayerGzip]: m.ociForeignLayer,
  [m.ociForeignLayerZstd]: m.ociForeignLayer,
};

/** Stores a compressed layer as the plain tar; `undefined` for what is no compressed layer. @throws data_loss for a damaged one */
export async function uncompressLayer(
  content: ContentStore,
  scope: Scope,
  layer: Descriptor,
): Promise<Descriptor | undefined> {
  const mediaType = plainTypes[layer.mediaType];
  const compression = layerCompression(layer.mediaType);
  if (mediaType === undefined || compression === undefined || compression === 'none') return undefined;
  const { 'containerd.io/uncompressed': _, ...labels } = (await content.info(scope, layer.digest)).labels;
  const writer = await openWriter(content, scope, `convert-uncompress-from-${layer.digest}`, {});
  if (writer === undefined) return undefined;
  await using open = writer;
  if (open.status().offset > 0) await open.truncate(0); // left by one that was interrupted
  for await (const bytes of decompressed(bytesOf(content, scope, layer))) await open.write(bytes);
  const digest = open.digest();
  const size = open.status().offset;
  await open.commit(0, undefined, labels).catch((thrown: unknown) => {
    if (!isFault(thrown, 'already_exists')) throw thrown;
  });
  return { ...layer, mediaType, digest, size };
}

/** A blob's bytes, piece by piece. */
export async function* bytesOf(
  content: ContentStore,
  scope: Scope,
  { digest }: Pick<Descriptor, 'digest'>,
): AsyncGenerator<Uint8Array> {
  await using blob = await content.open(scope, digest);
  for (let offset = 0; offset < blob.size; ) {
    const bytes = await blob.read(offset, chunk);
    if (bytes.length === 0) return;
    yield bytes;
    offset += bytes.length;
  }
}
