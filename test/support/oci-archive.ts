import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256 } from './fake-registry.ts';
import type { SampleImage } from './sample-image.ts';

const indexType = 'application/vnd.oci.image.index.v1+json';

/** Writes an archive (an OCI layout in a tar) that holds one name: an index with an image for each platform (`linux/amd64`). */
export function writeOciArchive(path: string, name: string, images: Readonly<Record<string, SampleImage>>): void {
  const layout = mkdtempSync(join(dirname(path), 'layout-'));
  try {
    mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
    const put = (bytes: Buffer) =>
      writeFileSync(join(layout, 'blobs/sha256', sha256(bytes).slice('sha256:'.length)), bytes);
    const manifests = Object.entries(images).map(([platform, image]) => {
      for (const bytes of [image.manifestBody, image.configBody, ...image.layers.map(({ blob }) => blob)]) put(bytes);
      const [os, architecture] = platform.split('/');
      return { ...image.manifest, platform: { os, architecture } };
    });
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }));
    put(index);
    const annotations = {
      'io.containerd.image.name': name,
      'org.opencontainers.image.ref.name': name.split(':').at(-1),
    };
    const entry = { mediaType: indexType, digest: sha256(index), size: index.length, annotations };
    writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
    writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    const packed = spawnSync('tar', ['-C', layout, '-cf', path, 'oci-layout', 'index.json', 'blobs']);
    if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`);
  } finally {
    rmSync(layout, { recursive: true });
  }
}
