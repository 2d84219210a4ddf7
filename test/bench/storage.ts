import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DockerRegistry } from '#test/support/docker-registry';
import { writeOciArchive } from '#test/support/oci-archive';
import type { Engine } from './engine.ts';
import { imageOf, publishImage } from './image.ts';
import { evenLayers, mixedLayer } from './layers.ts';
import type { Bench, Result } from './measure.ts';
import { ctr, ctrFrom, ctrOutput, ourCtr } from './programs.ts';
import { inTurns } from './samples.ts';

const megabyte = 1e6;

/** `ctr image import` of one layer, which stores it and unpacks it. */
export async function importOneLayer({ engines, directory, layers, slowRounds }: Bench): Promise<readonly Result[]> {
  const layer = await mixedLayer(layers, 22_000, 400 * megabyte);
  const archive = join(directory, 'image.tar');
  const name = 'example.com/bench/mixed:v1';
  writeOciArchive(archive, name, { [platform]: imageOf([layer]) });
  const contestant = (engine: Engine) => ({
    engine,
    work: () => ctr(engine, 'image', 'import', archive),
    after: () => removeImage(engine, name),
  });
  const [berth, containerd] = await inTurns(slowRounds, [contestant(engines.berth), contestant(engines.containerd)]);
  rmSync(archive);
  const title = `import and unpack one layer, ${layer.files} files, ${(layer.bytes / megabyte).toFixed(0)} MB`;
  return [{ name: title, unit: 'ms', berth: berth!, containerd: containerd!, goal: { ratio: 0.4 } }];
}

/** Pull of ten layers from a registry on this machine. */
export async function pullTenLayers({ engines, layers, slowRounds }: Bench): Promise<readonly Result[]> {
  await using registry = await DockerRegistry.start('/dev/shm');
  const reference = await publishImage(registry.host, imageOf(await evenLayers(layers, 10, 112 << 20)));
  const pull = ['image', 'pull', '--plain-http', reference];
  const after = (engine: Engine) => () => removeImage(engine, reference);
  const [own, client, containerd] = await inTurns(slowRounds, [
    { engine: engines.berth, work: () => ourCtr(engines.berth, ...pull), after: after(engines.berth) },
    { engine: engines.berth, work: () => ctr(engines.berth, ...pull), after: after(engines.berth) },
    { engine: engines.containerd, work: () => ctr(engines.containerd, ...pull), after: after(engines.containerd) },
  ]);
  const title = 'pull and unpack ten layers of 40 MB';
  return [
    { name: `${title}, each engine's own way`, unit: 'ms', berth: own!, containerd: containerd!, goal: { ratio: 0.4 } },
    { name: `${title}, the same client`, unit: 'ms', berth: client!, containerd: containerd! },
  ];
}

/** `ctr content get` and `ctr content ingest` of one blob. */
export async function contentOneBlob({ engines, directory, slowRounds, layers }: Bench): Promise<readonly Result[]> {
  const blob = join(directory, 'blob');
  const digest = await makeBlob(blob, layers);
  const both = [engines.berth, engines.containerd];
  const ingests = both.map((engine) => ({
    engine,
    work: (round: number) => ctrFrom(blob, engine, 'content', 'ingest', `blob-${round}`),
    after: () => ctr(engine, 'content', 'rm', digest),
  }));
  const [ingestHere, ingestThere] = await inTurns(slowRounds, ingests);
  for (const engine of both) await ctrFrom(blob, engine, 'content', 'ingest', 'kept');
  const gets = both.map((engine) => ({ engine, work: () => ctr(engine, 'content', 'get', digest) }));
  const [getHere, getThere] = await inTurns(slowRounds, gets);
  for (const engine of both) await ctr(engine, 'content', 'rm', digest);
  rmSync(blob);
  return [
    { name: 'content get, 400 MB', unit: 'ms', berth: getHere!, containerd: getThere!, goal: { ratio: 1 } },
    { name: 'content ingest, 400 MB', unit: 'ms', berth: ingestHere!, containerd: ingestThere!, goal: { ratio: 1 } },
  ];
}

const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;

/** Until nothing of it is left, so that the next round begins as this one did. */
async function removeImage(engine: Engine, name: string): Promise<void> {
  await ctr(engine, 'image', 'rm', '--sync', name);
  const left = await ctrOutput(engine, 'content', 'ls', '-q');
  if (left !== '') throw new Error(`${engine.name} still has content after the removal of ${name}:\n${left}`);
}

/** 400 MB that do not compress, of the layer's bytes again and again. @returns its digest */
async function makeBlob(path: string, layers: string): Promise<string> {
  const bytes = readFileSync((await mixedLayer(layers, 22_000, 400 * megabyte)).path);
  const hash = createHash('sha256');
  const file = openSync(path, 'w');
  for (let left = 400 * megabyte; left > 0; ) {
    const piece = bytes.subarray(0, left);
    hash.update(piece);
    left -= writeSync(file, piece);
  }
  closeSync(file);
  return `sha256:${hash.digest('hex')}`;
}
