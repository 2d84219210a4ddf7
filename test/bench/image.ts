import { readFileSync } from 'node:fs';
import { silent } from '#base/log';
import { mediaTypes } from '#lib/oci/media-types';
import { defaultHost } from '#lib/registry/host';
import { HttpClient } from '#lib/registry/http';
import { Repository } from '#lib/registry/repository';
import { sha256 } from '#test/support/fake-registry';
import { type SampleImage, sampleImage } from '#test/support/sample-image';
import type { LayerFile } from './layers.ts';

/** An image of these layers, in memory. */
export function imageOf(layers: readonly LayerFile[]): SampleImage {
  return sampleImage(
    layers.map(({ path, diffId }) => {
      const blob = readFileSync(path);
      const descriptor = { mediaType: mediaTypes.ociLayerGzip, digest: sha256(blob), size: blob.length };
      return { tar: Buffer.alloc(0), blob, diffId, descriptor };
    }),
  );
}

/** Pushes an image to a registry without TLS; returns its full reference. */
export async function publishImage(registry: string, image: SampleImage): Promise<string> {
  using http = new HttpClient();
  const retry = { attempts: 1, baseDelayMs: 1, maxDelayMs: 1 };
  const options = { http, userAgent: 'bench', retry, log: silent };
  const repository = new Repository({ registry, path: 'bench/layers' }, [defaultHost(registry)], options);
  const { signal } = new AbortController();
  const push = async (descriptor: Parameters<Repository['pushBlob']>[0], bytes: Buffer) => {
    const source = async function* (offset: number) {
      for (let at = offset; at < bytes.length; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
    };
    await repository.pushBlob(descriptor, source, { signal });
  };
  for (const layer of image.layers) await push(layer.descriptor as never, layer.blob);
  await push(image.config as never, image.configBody);
  await repository.pushManifest('v1', image.manifest as never, image.manifestBody, signal);
  return `${registry}/bench/layers:v1`;
}
