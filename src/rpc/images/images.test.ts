import { expect, test } from 'bun:test';
import { fault } from '#base/errors';
import type { Collector } from '#core/gc/collector';
import { imageStoreSuite } from '#core/images/images.suite';
import { memoryImages } from '#core/images/memory';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { inProcess, overTheWire } from '../in-process.ts';
import { remoteImages } from './client.ts';
import { serveImages } from './server.ts';

const collector = (runs: string[] = []): Collector => ({
  collect: async () => {
    runs.push('collected');
    return { elapsedMs: 0, removed: {} };
  },
});

imageStoreSuite('over the wire', () => overTheWire(serveImages(memoryImages(), collector()), remoteImages));

test('a synchronous deletion waits for a collection, another does not', async () => {
  const runs: string[] = [];
  await using server = await inProcess([serveImages(memoryImages(), collector(runs))]);
  const images = remoteImages(server.transport);
  const scope = scopeOf('default');
  const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('x'), size: 1 };
  await images.create(scope, { name: 'a', target, labels: {} });
  await images.create(scope, { name: 'b', target, labels: {} });
  await images.delete(scope, 'a');
  expect(runs).toEqual([]);
  await images.delete(scope, 'b', { sync: true });
  expect(runs).toEqual(['collected']);
});

test('a synchronous deletion is done even when the collection fails, and says why it failed', async () => {
  const failing: Collector = { collect: () => Promise.reject(fault('resource_exhausted', 'disk')) };
  await using server = await inProcess([serveImages(memoryImages(), failing)]);
  const images = remoteImages(server.transport);
  const scope = scopeOf('default');
  const target = { mediaType: 'm', digest: digestOf('x'), size: 1 };
  await images.create(scope, { name: 'a', target, labels: {} });
  expect(await faultOf(images.delete(scope, 'a', { sync: true }))).toBe('resource_exhausted');
  expect(await faultOf(images.get(scope, 'a'))).toBe('not_found');
});
