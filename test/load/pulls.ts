import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { pull } from '#client/transfer';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';
import { growing, kept, type Outcome, piecesOf, type Size, settled, warm } from './measures.ts';
import type { Rig } from './rig.ts';
import { type Sample, sampleOf } from './sample.ts';

const pullers = 4;
const layers = 3;
const layerBytes = 200_000;

/** Images that are pulled, unpacked and removed, each of bytes that were not there before, for so long: nothing may grow. */
export async function pulls(rig: Rig, { churnSeconds }: Size): Promise<Outcome> {
  const { scope } = rig.on;
  await using registry = await FakeRegistry.start();
  let pulled = 0;
  const once = async (client: Rig['clients'][number]): Promise<void> => {
    const name = `a/b${pulled++}`;
    const files = () => sampleLayer({ 'd/': '', [`d/${name.replace('/', '-')}`]: randomBytes(layerBytes) });
    publish(registry, name, 'v1', sampleImage(Array.from({ length: layers }, files)));
    const image = await pull(client, scope, `${registry.host}/${name}:v1`);
    await client.images.delete(scope, image.name, { sync: true });
    registry.blobs.clear();
    registry.manifests.delete(`${name}:v1`);
    registry.seen.length = 0;
  };
  for (const client of rig.clients) await once(client);
  const before = await warm(rig);
  const series: Sample[] = [];
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  const pieces = piecesOf(churnSeconds);
  const from = pulled;
  for (let piece = 1; piece <= pieces; piece++) {
    const until = (churnSeconds * piece) / pieces;
    // Each has a registry's blobs to itself: one after the other.
    while (seconds() < until) await once(rig.clients[pulled % pullers] as Rig['clients'][number]);
    await wait(1_000);
    series.push(await sampleOf(rig, seconds(), pulled - from));
  }
  const after = await settled(rig, before);
  return {
    name: `images of ${layers} layers pulled, unpacked and removed for ${churnSeconds} s`,
    figures: { 'images pulled and removed': String(pulled - from) },
    series: [before, ...series, after],
    wrong: [...growing(series), ...kept(before, after)],
  };
}
