import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { classOf } from '#base/errors';
import { scopeOf } from '#core/scope';
import type { Progress } from '#core/transfer/progress';
import type { Digest } from '#lib/digest';
import { DockerRegistry } from '#test/support/docker-registry';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, publishIndex, sampleImage, sampleLayer } from '#test/support/sample-image';
import { at, openTestEngine, pullOptions, type TestEngine } from './engine.fixture.ts';

setDefaultTimeout(120_000);
const scope = scopeOf('test');
let open: AsyncDisposableStack;
let from: FakeRegistry;
let engine: TestEngine;

beforeEach(async () => {
  open = new AsyncDisposableStack();
  from = open.use(await FakeRegistry.start());
  engine = open.use(await openTestEngine());
});
afterEach(() => open.disposeAsync());

const small = () => sampleImage([sampleLayer({ a: 'one' }), sampleLayer({ b: 'two' })]);

async function pulled(tag = 'v1'): Promise<string> {
  const reference = `${from.host}/a/b:${tag}`;
  await engine.engine.pull(scope, at(reference), pullOptions(reference, { unpacks: [] }));
  return reference;
}

test('an image is pushed with what it refers to first, and pulled again from a real registry', async () => {
  await using registry = await DockerRegistry.start('/dev/shm');
  const image = small();
  publish(from, 'a/b', 'v1', image);
  const name = await pulled();
  const target = `${registry.host}/x/y:v1`;
  const told: Progress[] = [];
  await engine.engine.push(scope, name, at(target), { platforms: [], onProgress: (progress) => told.push(progress) });
  const other = open.use(await openTestEngine());
  const got = await other.engine.pull(scope, at(target), pullOptions(target));
  expect(got.target as unknown).toEqual(image.manifest);
  const last = new Map(told.map((progress) => [progress.name, progress.event]));
  expect([last.get(`layer-${image.layers[0]!.descriptor.digest}`), last.get(name)]).toEqual(['complete', 'pushed']);
  // Into another repository the blobs are mounted, nothing is sent.
  const again: Progress[] = [];
  const mounted = `${registry.host}/x/z:v1`;
  await engine.engine.push(scope, name, at(mounted), { platforms: [], onProgress: (progress) => again.push(progress) });
  const events = new Map(again.map((progress) => [progress.name, progress.event]));
  expect(events.get(`layer-${image.layers[1]!.descriptor.digest}`)).toBe('mounted');
  const { labels } = await engine.metadata.content.info(scope, image.config.digest as Digest);
  // Ports are not part of the label's name: `a/b` is of the registry that it was pulled from.
  expect(labels['containerd.io/distribution.source.127.0.0.1']).toBe('a/b,x/y,x/z');
});

test('of an index the wanted platforms are pushed before the index itself', async () => {
  const to = open.use(await FakeRegistry.start());
  const index = publishIndex(from, 'a/b', 'multi', {
    'linux/amd64': small(),
    'linux/arm64': sampleImage([sampleLayer({ arm: 'x' })], { architecture: 'arm64' }),
  });
  const name = await pulled('multi');
  await engine.engine.push(scope, name, at(`${to.host}/x/y:all`), { platforms: [] });
  const puts = to.seen.filter((request) => request.method === 'PUT' && request.url.includes('/manifests/'));
  expect(puts.map((request) => request.url.split('/').at(-1)).at(-1)).toBe('all');
  expect(puts).toHaveLength(3);
  expect(to.manifests.get('x/y:all')?.body.length).toBe(index.size);
});

test('foreign layers are left out, and a second push sends nothing at all', async () => {
  const to = open.use(await FakeRegistry.start());
  const foreign = sampleLayer({ licensed: 'x' });
  const mediaType = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
  const layers = [sampleLayer({ a: '1' }), { ...foreign, descriptor: { ...foreign.descriptor, mediaType } }];
  publish(from, 'a/b', 'v1', sampleImage(layers));
  const name = await pulled();
  await engine.engine.push(scope, name, at(`${to.host}/x/y:v1`), { platforms: [] });
  expect([to.blobs.has(foreign.descriptor.digest), to.blobs.size]).toEqual([false, 2]);
  to.seen.length = 0;
  await engine.engine.push(scope, name, at(`${to.host}/x/y:v1`), { platforms: [] });
  expect(to.seen.filter((request) => request.method !== 'HEAD' && request.url !== '/v2/')).toEqual([]);
});

test('pushing needs the image and its content, and says what the registry has against it', async () => {
  const to = open.use(await FakeRegistry.start({ auth: { mode: 'basic', user: 'u', password: 'p' } }));
  const image = small();
  publish(from, 'a/b', 'v1', image);
  const name = await pulled();
  const end = at(`${to.host}/x/y:v1`);
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => 'no error',
      (error: Error) => `${classOf(error)}: ${error.message}`,
    );
  expect(await failure(engine.engine.push(scope, 'nope', end, { platforms: [] }))).toContain('image "nope": not found');
  expect(await failure(engine.engine.push(scope, name, end, { platforms: [] }))).toMatch(/^unauthenticated: .*401/);
  const credentials = async () => ({ user: 'u', password: 'p' });
  await engine.metadata.content.delete(scope, image.layers[0]!.descriptor.digest as Digest);
  expect(await failure(engine.engine.push(scope, name, { ...end, credentials }, { platforms: [] }))).toContain(
    `content digest ${image.layers[0]!.descriptor.digest}: not found`,
  );
  expect(to.manifests.size).toBe(0);
});
