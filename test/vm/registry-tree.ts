import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SampleImage } from '#test/support/sample-image';

/** Puts an image where docker-registry, with this root directory, finds it under a name and the tag `1`. */
export function addToRegistry(root: string, name: string, image: SampleImage): void {
  const top = join(root, 'docker/registry/v2');
  const put = (path: string, content: string | Buffer) => {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), content);
  };
  const hex = (digest: string) => digest.slice('sha256:'.length);
  const blob = (digest: string, bytes: Buffer) =>
    put(`blobs/sha256/${hex(digest).slice(0, 2)}/${hex(digest)}/data`, bytes);
  const link = (path: string, digest: string) => put(`repositories/${name}/${path}/link`, digest);
  blob(image.manifest.digest, image.manifestBody);
  blob(image.config.digest, image.configBody);
  link(`_layers/sha256/${hex(image.config.digest)}`, image.config.digest);
  for (const { descriptor, blob: bytes } of image.layers) {
    blob(descriptor.digest, bytes);
    link(`_layers/sha256/${hex(descriptor.digest)}`, descriptor.digest);
  }
  link(`_manifests/revisions/sha256/${hex(image.manifest.digest)}`, image.manifest.digest);
  link(`_manifests/tags/1/index/sha256/${hex(image.manifest.digest)}`, image.manifest.digest);
  link('_manifests/tags/1/current', image.manifest.digest);
}
