import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import { digestOf } from '#lib/digest';
import { mediaTypes } from '#lib/oci/media-types';
import { defaultHost } from '#lib/registry/host';
import { HttpClient } from '#lib/registry/http';
import { Repository } from '#lib/registry/repository';

export interface BenchLayer {
  readonly path: string;
  readonly diffId: string;
}

/**
 * Makes gzipped layers of this machine's own /usr, each of so many bytes before compression: real files with real names and sizes.
 * Takes about half a minute for a gigabyte.
 */
export async function benchLayers(
  directory: string,
  count: number,
  layerBytes: number,
): Promise<readonly BenchLayer[]> {
  mkdirSync(directory, { recursive: true });
  const groups = fileGroups(count, layerBytes);
  const layers: BenchLayer[] = [];
  for (let at = 0; at < groups.length; at += 2)
    layers.push(...(await Promise.all(groups.slice(at, at + 2).map((files, i) => pack(directory, at + i, files)))));
  return layers;
}

/** Pushes an image of these layers; returns its full reference. */
export async function publishLayers(registry: string, layers: readonly BenchLayer[]): Promise<string> {
  using http = new HttpClient();
  const retry = { attempts: 1, baseDelayMs: 1, maxDelayMs: 1 };
  const options = { http, userAgent: 'bench', retry, log: silent };
  const repository = new Repository({ registry, path: 'bench/layers' }, [defaultHost(registry)], options);
  const { signal } = new AbortController();
  const blob = async (mediaType: string, bytes: Buffer) => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    const source = async function* (offset: number) {
      for (let at = offset; at < bytes.length; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
    };
    await repository.pushBlob(descriptor, source, { signal });
    return descriptor;
  };
  const descriptors = [];
  for (const { path } of layers) descriptors.push(await blob(mediaTypes.ociLayerGzip, readFileSync(path)));
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) };
  const config = await blob(mediaTypes.ociConfig, json({ architecture, os: 'linux', config: {}, rootfs }));
  const mediaType = mediaTypes.ociManifest;
  const manifest = json({ schemaVersion: 2, mediaType, config, layers: descriptors });
  const descriptor = { mediaType, digest: digestOf(manifest), size: manifest.length };
  await repository.pushManifest('v1', descriptor, manifest, signal);
  return `${registry}/bench/layers:v1`;
}

const json = (document: object): Buffer => Buffer.from(JSON.stringify(document));

function fileGroups(count: number, layerBytes: number): string[][] {
  const groups: string[][] = [[]];
  let size = 0;
  for (const base of ['/usr/bin', '/usr/lib', '/usr/include', '/usr/share']) {
    for (const path of filesBelow(base)) {
      const info = lstatSync(path, { throwIfNoEntry: false });
      if (info?.isFile() !== true || info.size > layerBytes / 2 || path.includes('\n')) continue;
      if (size > 0 && size + info.size > layerBytes) {
        if (groups.length === count) return groups;
        groups.push([]);
        size = 0;
      }
      groups.at(-1)?.push(path);
      size += info.size;
    }
  }
  throw new Error(`/usr has not enough files for ${count} layers of ${layerBytes} bytes`);
}

/** Without following links, which lead in circles here. */
function* filesBelow(directory: string): Generator<string> {
  const entries = readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.isDirectory()) yield* filesBelow(join(directory, entry.name));
    else if (entry.isFile()) yield join(directory, entry.name);
  }
}

async function pack(directory: string, number: number, files: readonly string[]): Promise<BenchLayer> {
  const path = join(directory, `layer-${number}.gz`);
  writeFileSync(`${path}.list`, `${files.join('\n')}\n`);
  const script = `set -o pipefail; tar -cPf - --transform 's,^/,layer-${number}/,' -T '${path}.list' | tee >(sha256sum > '${path}.sum') | gzip -6 > '${path}'`;
  const [code] = (await once(spawn('bash', ['-c', script], { stdio: 'inherit' }), 'close')) as [number];
  if (code !== 0) throw new Error(`making a layer failed with ${code}`);
  // The process substitution may end after the pipe.
  for (let tries = 0; tries < 100; tries++) {
    const sum = readFileSync(`${path}.sum`, 'utf8').slice(0, 64);
    if (sum.length === 64) return { path, diffId: `sha256:${sum}` };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('no sum of the layer');
}
