import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DockerRegistry } from '#test/support/docker-registry';
import { writeOciArchive } from '#test/support/oci-archive';
import type { Engine } from './engine.ts';
import { imageOf, publishImage } from './image.ts';
import { evenLayers, type LayerFile, mixedLayer } from './layers.ts';
import type { Bench, Result } from './measure.ts';
import { ctr, ctrFrom, ctrOutput, itsCtr } from './programs.ts';
import { inTurns, type Samples } from './samples.ts';

const megabyte = 1e6;

/** `ctr image import` of one layer, which stores it and unpacks it. */
export async function importOneLayer(bench: Bench): Promise<readonly Result[]> {
  const layer = await mixedLayer(bench.layers, 22_000, 400 * megabyte);
  const figures = await importAndUnpack(bench, [layer]);
  const name = `import and unpack one layer, ${layer.files} files, ${(layer.bytes / megabyte).toFixed(0)} MB`;
  return [{ name, unit: 'ms', figures, goal: { ratio: 0.4, aim: 0.33 } }];
}

/** The same of ten. */
export async function importTenLayers(bench: Bench): Promise<readonly Result[]> {
  const figures = await importAndUnpack(bench, await tenLayers(bench));
  return [{ name: 'import and unpack ten layers of 40 MB', unit: 'ms', figures, goal: { ratio: 0.4, aim: 0.25 } }];
}

async function importAndUnpack(
  { engines, directory, slowRounds }: Bench,
  layers: readonly LayerFile[],
): Promise<readonly Samples[]> {
  const archive = join(directory, 'image.tar');
  const name = 'example.com/bench/mixed:v1';
  writeOciArchive(archive, name, { [platform]: imageOf(layers) });
  const contestants = engines.all.map((engine) => ({
    engine,
    work: () => ctr(engine, 'image', 'import', archive),
    after: () => removeImage(engine, name),
  }));
  const figures = await inTurns(slowRounds, contestants);
  rmSync(archive);
  return figures;
}

/** Pull of ten layers from a registry on this machine: by each package's own client, and by the same. */
export async function pullTenLayers(bench: Bench): Promise<readonly Result[]> {
  const { engines, slowRounds } = bench;
  await using registry = await DockerRegistry.start('/dev/shm');
  const reference = await publishImage(registry.host, imageOf(await tenLayers(bench)));
  const pull = ['image', 'pull', '--plain-http', reference];
  const contestants = [itsCtr, ctr].flatMap((client) =>
    engines.all.map((engine) => ({
      engine,
      work: () => client(engine, ...pull),
      after: () => removeImage(engine, reference),
    })),
  );
  const figures = await inTurns(slowRounds, contestants);
  const title = 'pull and unpack ten layers of 40 MB';
  const own = figures.slice(0, engines.all.length);
  const same = figures.slice(engines.all.length);
  return [
    { name: `${title}, each engine's own way`, unit: 'ms', figures: own, goal: { ratio: 0.4, aim: 0.33 } },
    { name: `${title}, the same client`, unit: 'ms', figures: same },
  ];
}

/** Four clients that pull the same image at once. */
export async function pullFourTimes(bench: Bench): Promise<readonly Result[]> {
  const { engines, slowRounds } = bench;
  await using registry = await DockerRegistry.start('/dev/shm');
  const reference = await publishImage(registry.host, imageOf((await tenLayers(bench)).slice(0, 4)));
  const contestants = engines.all.map((engine) => ({
    engine,
    work: async () => {
      const pulls = Array.from({ length: 4 }, () => itsCtr(engine, 'image', 'pull', '--plain-http', reference));
      await Promise.all(pulls);
    },
    after: () => removeImage(engine, reference),
  }));
  const figures = await inTurns(slowRounds, contestants);
  const name = "four pulls of four layers of 40 MB at once, each engine's own way";
  return [{ name, unit: 'ms', figures, goal: { ratio: 0.4, aim: 0.25 } }];
}

const tenLayers = ({ layers }: Bench): Promise<readonly LayerFile[]> => evenLayers(layers, 10, 112 << 20);

/** `ctr content get` and `ctr content ingest` of one blob. */
export async function contentOneBlob({ engines, directory, slowRounds, layers }: Bench): Promise<readonly Result[]> {
  const blob = join(directory, 'blob');
  const digest = await makeBlob(blob, layers);
  const ingests = engines.all.map((engine) => ({
    engine,
    work: (round: number) => ctrFrom(blob, engine, 'content', 'ingest', `blob-${round}`),
    after: () => ctr(engine, 'content', 'rm', digest),
  }));
  const ingested = await inTurns(slowRounds, ingests);
  for (const engine of engines.all) await ctrFrom(blob, engine, 'content', 'ingest', 'kept');
  const gets = engines.all.map((engine) => ({ engine, work: () => ctr(engine, 'content', 'get', digest) }));
  const got = await inTurns(slowRounds, gets);
  for (const engine of engines.all) await ctr(engine, 'content', 'rm', digest);
  rmSync(blob);
  return [
    { name: 'content get, 400 MB', unit: 'ms', figures: got, goal: { ratio: 1 } },
    { name: 'content ingest, 400 MB', unit: 'ms', figures: ingested, goal: { ratio: 1 } },
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
