import { Readable } from 'node:stream';
import { constants, createZstdCompress } from 'node:zlib';
import { isFault } from '#base/errors';
import { decompressed } from '#core/transfer/engine/decompress';
import { openWriter } from '#core/transfer/engine/open-writer';
import { layerCompression, mediaTypes as m } from '#lib/oci/media-types';
import type { ConvertLayer } from './convert-image.ts';
import { bytesOf } from './uncompress-layer.ts';

const packedTypes: Readonly<Record<string, string>> = {
  [m.dockerLayer]: m.dockerLayerZstd,
  [m.dockerLayerGzip]: m.dockerLayerZstd,
  [m.ociLayer]: m.ociLayerZstd,
  [m.ociLayerGzip]: m.ociLayerZstd,
  [m.ociForeignLayer]: m.ociForeignLayerZstd,
  [m.ociForeignLayerGzip]: m.ociForeignLayerZstd,
};

/** Stores layers packed by zstd, at a level of its; those that are so already stay as they are. @throws data_loss for a damaged one */
export const zstdLayer =
  (level: number): ConvertLayer =>
  async (content, scope, layer) => {
    const mediaType = packedTypes[layer.mediaType];
    const compression = layerCompression(layer.mediaType);
    if (mediaType === undefined || compression === undefined) return undefined;
    const { labels } = await content.info(scope, layer.digest);
    const writer = await openWriter(content, scope, `convert-zstd-from-${layer.digest}`, {});
    if (writer === undefined) return undefined;
    await using open = writer;
    if (open.status().offset > 0) await open.truncate(0); // left by one that was interrupted
    const plain = bytesOf(content, scope, layer);
    const source = Readable.from(compression === 'none' ? plain : decompressed(plain));
    const packer = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } });
    source.on('error', (error) => packer.destroy(error));
    for await (const bytes of source.pipe(packer)) await open.write(bytes as Uint8Array);
    const digest = open.digest();
    const size = open.status().offset;
    await open.commit(0, undefined, labels).catch((thrown: unknown) => {
      if (!isFault(thrown, 'already_exists')) throw thrown;
    });
    return { ...layer, mediaType, digest, size };
  };
