import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SampleImage } from './sample-image.ts';

/** Writes what `docker save` writes and every docker loads: `manifest.json`, the configuration, each layer as a tar. */
export function writeDockerArchive(path: string, name: string, { configBody, config, layers }: SampleImage): void {
  const directory = mkdtempSync(join(dirname(path), 'docker-'));
  try {
    const configName = `${config.digest.slice('sha256:'.length)}.json`;
    writeFileSync(join(directory, configName), configBody);
    const names = layers.map(({ tar, diffId }) => {
      const folder = diffId.slice('sha256:'.length);
      mkdirSync(join(directory, folder), { recursive: true });
      writeFileSync(join(directory, folder, 'layer.tar'), tar);
      return `${folder}/layer.tar`;
    });
    const manifest = [{ Config: configName, RepoTags: [name], Layers: names }];
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
    const packed = spawnSync('tar', ['-C', directory, '-cf', path, '.']);
    if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
