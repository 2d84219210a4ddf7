import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { classOf } from '#base/errors';
import { scopeOf } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import type { Progress } from '#core/transfer/progress';
import type { Digest } from '#lib/digest';
import { chainIds } from '#lib/oci/image-config';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, publishIndex, type SampleImage, sampleImage, sampleLayer } from '#test/support/sample-image';
import { at, openTestEngine, pullOptions, type TestEngine, type TestEngineOptions } from './engine.fixture.ts';

setDefaultTimeout(120_000);
const scope = scopeOf('test');
let open: AsyncDisposableStack;
let registry: FakeRegistry;

beforeEach(async () => {
  open = new AsyncDisposableStack();
  registry = open.use(await FakeRegistry.start());
});
afterEach(() => open.disposeAsync());

const start = async (options: TestEngineOptions = {}): Promise<TestEngine> => open.use(await openTestEngine(options));

/** Three layers: the second deletes and replaces files of the first, the third is large. */
function threeLayers(): SampleImage {
  return sampleImage([
    sampleLayer({ 'etc/': '', 'etc/a': 'one', 'etc/b': 'two', 'gone/': '', 'gone/x': 'x' }),
    sampleLayer({ 'etc/': '', 'etc/.wh.a': '', 'etc/b': 'replaced', '.wh.gone': '' }),
    sampleLayer({ 'big/': '', 'big/random': randomBytes(3_000_000), 'big/small': 'small' }),
  ]);
}

const topOf = (image: SampleImage) => chainIds(image.layers.map((layer) => layer.diffId as Digest)).at(-1) ?? '';

/** What a container would see: file → text, from the directories of an overlay mount. */
async function lookAt(snapshotter: Snapshotter, name: string): Promise<(path: string) => string | undefined> {
  const mounts = await snapshotter.view(scope, `look-${randomBytes(4).toString('hex')}`, name);
  const lower = mounts[0]?.options.find((option) => option.startsWith('lowerdir='));
  const dirs = lower === undefined ? [mounts[0]?.source ?? ''] : lower.slice('lowerdir='.length).split(':');
  return (path) => {
    const dir = dirs.find((candidate) => existsSync(join(candidate, path)));
    return dir === undefined ? undefined : readFileSync(join(dir, path), 'utf8');
  };
}

const overlay = (test: TestEngine) => test.metadata.snapshotters.get('overlayfs') as Snapshotter;

async function failureOf(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error('did not fail');
}

async function keys(snapshotter: Snapshotter): Promise<string[]> {
  const found: string[] = [];
  for await (const info of snapshotter.walk(scope)) found.push(info.name);
  return found.sort();
}

for (const withoutRebase of [false, true]) {
  test(`an image is fetched, unpacked, labelled and named (${withoutRebase ? 'one layer after the other' : 'side by side'})`, async () => {
    const engine = await start({ withoutRebase });
    const image = threeLayers();
    publish(registry, 'a/b', 'v1', image);
    const reference = `${registry.host}/a/b:v1`;
    const named = await engine.engine.pull(scope, at(reference), pullOptions(reference));
    expect([named.name, named.target as unknown]).toEqual([reference, image.manifest]);
    const top = topOf(image);
    const see = await lookAt(overlay(engine), top);
    expect([see('etc/b'), see('big/small'), see('big/random')?.length !== 0]).toEqual(['replaced', 'small', true]);
    const labels = async (digest: string) => (await engine.metadata.content.info(scope, digest as Digest)).labels;
    const source = { 'containerd.io/distribution.source.127.0.0.1': 'a/b' };
    expect(await labels(image.manifest.digest)).toEqual({
      ...source,
      'containerd.io/gc.ref.content.config': image.config.digest,
      'containerd.io/gc.ref.content.l.0': image.layers[0]!.descriptor.digest,
      'containerd.io/gc.ref.content.l.1': image.layers[1]!.descriptor.digest,
      'containerd.io/gc.ref.content.l.2': image.layers[2]!.descriptor.digest,
    });
    expect(await labels(image.config.digest)).toEqual({ ...source, 'containerd.io/gc.ref.snapshot.overlayfs': top });
    expect(await labels(image.layers[1]!.descriptor.digest)).toEqual({
      ...source,
      'containerd.io/uncompressed': image.layers[1]!.diffId,
    });
    expect(await keys(overlay(engine))).toHaveLength(4); // three layers and the view
    expect(await engine.metadata.leases.list(scope)).toEqual([]);
    // Nothing of it goes in a collection, and the deletions of the second layer are in its directory.
    await engine.metadata.collect(scope.signal);
    await engine.metadata.content.info(scope, image.layers[2]!.descriptor.digest as Digest);
    expect((await overlay(engine).stat(scope, top)).parent).toBe(
      chainIds(image.layers.map((l) => l.diffId as Digest))[1]!,
    );
  });
}

test('a second pull fetches nothing but the name', async () => {
  const { engine } = await start();
  publish(registry, 'a/b', 'v1', threeLayers());
  const reference = `${registry.host}/a/b:v1`;
  await engine.pull(scope, at(reference), pullOptions(reference));
  registry.seen.length = 0;
  await engine.pull(scope, at(reference), pullOptions(reference));
  expect(registry.seen.filter((request) => request.method !== 'HEAD')).toEqual([]);
});

test('of an index only the wanted platform is fetched, with the metadata of the others on request', async () => {
  const { engine, metadata } = await start();
  const mine = sampleImage([sampleLayer({ a: 'amd' })], { architecture: 'amd64' });
  const other = sampleImage([sampleLayer({ a: 'arm' })], { architecture: 'arm64' });
  publishIndex(registry, 'a/b', 'multi', { 'linux/amd64': mine, 'linux/arm64': other });
  const reference = `${registry.host}/a/b:multi`;
  const platform = { os: 'linux', architecture: 'amd64' };
  const has = (digest: string) =>
    metadata.content.info(scope, digest as Digest).then(
      () => true,
      () => false,
    );
  const wanted = { platforms: [platform], unpacks: [{ platform, snapshotter: 'overlayfs' }] };
  await engine.pull(scope, at(reference), pullOptions(reference, wanted));
  expect([await has(mine.layers[0]!.descriptor.digest), await has(other.manifest.digest)]).toEqual([true, false]);
  await engine.pull(scope, at(reference), pullOptions(reference, { ...wanted, allMetadata: true }));
  expect([await has(other.manifest.digest), await has(other.config.digest)]).toEqual([true, true]);
  expect(await has(other.layers[0]!.descriptor.digest)).toBe(false);
  const none = { platforms: [{ os: 'linux', architecture: 's390x' }], unpacks: [] };
  const error = await failureOf(engine.pull(scope, at(reference), pullOptions(reference, none)));
  expect([classOf(error), error.message.includes('no match for platform linux/s390x')]).toEqual(['not_found', true]);
});

test('ten pulls of one image fetch and unpack each layer once', async () => {
  const engine = await start({ downloads: 2, unpacks: 2 });
  const image = threeLayers();
  publish(registry, 'a/b', 'v1', image);
  const reference = `${registry.host}/a/b:v1`;
  const scopes = Array.from({ length: 10 }, (_, i) => scopeOf(i % 2 === 0 ? 'test' : 'other'));
  await Promise.all(scopes.map((each) => engine.engine.pull(each, at(reference), pullOptions(reference))));
  const gets = registry.seen.filter((request) => request.method === 'GET' && request.url.includes('/blobs/'));
  expect(gets.map((request) => request.url).sort()).toEqual(
    [image.config.digest, ...image.layers.map((l) => l.descriptor.digest)].map((d) => `/v2/a/b/blobs/${d}`).sort(),
  );
  // Unpacked once in each namespace.
  expect(readdirSync(join(engine.dir, 'snapshots', 'snapshots'))).toHaveLength(6);
});

test('when the transfer that fetches is cancelled a waiting one goes on where it stopped', async () => {
  const { engine, metadata } = await start();
  const image = sampleImage([sampleLayer({ big: randomBytes(4_000_000) })]);
  publish(registry, 'a/b', 'v1', image);
  const layer = image.layers[0]!;
  let held = Promise.withResolvers<void>();
  registry.intercept = async (request, response) => {
    if (!request.url?.includes(layer.descriptor.digest) || request.headers.range !== undefined) return false;
    response.writeHead(200, { 'content-length': layer.blob.length });
    response.write(layer.blob.subarray(0, 2_000_000));
    held.resolve();
    return true; // and no more
  };
  const reference = `${registry.host}/a/b:v1`;
  const cancel = new AbortController();
  const first = engine.pull(scopeOf('test', { signal: cancel.signal }), at(reference), pullOptions(reference));
  first.catch(() => {});
  await held.promise;
  const written = async () => Math.max(0, ...(await metadata.content.statuses(scope)).map(({ offset }) => offset));
  while ((await written()) < 2_000_000) await new Promise((resolve) => setTimeout(resolve, 5));
  const second = engine.pull(scope, at(reference), pullOptions(reference));
  cancel.abort();
  expect(classOf(await failureOf(first))).toBe('canceled');
  await second;
  const ranges = registry.seen.filter((r) => r.url.includes(layer.descriptor.digest)).map((r) => r.headers.range);
  expect(ranges).toEqual([undefined, 'bytes=2000000-']);
  held = Promise.withResolvers();
});

test('what the registry gets wrong is refused, leaves no name and no snapshot, and the next pull succeeds', async () => {
  const test = await start();
  const { engine, metadata } = test;
  const image = threeLayers();
  publish(registry, 'a/b', 'v1', image);
  const reference = `${registry.host}/a/b:v1`;
  const layer = image.layers[1]!;
  const good = registry.blobs.get(layer.descriptor.digest)!;
  const flipped = Buffer.from(good);
  flipped[flipped.length >> 1]! ^= 0xff;
  registry.blobs.set(layer.descriptor.digest, flipped);
  const error = await failureOf(engine.pull(scope, at(reference), pullOptions(reference)));
  expect(['failed_precondition', 'data_loss', 'invalid_argument']).toContain(classOf(error));
  expect(await metadata.images.list(scope)).toEqual([]);
  expect((await keys(overlay(test))).filter((key) => key.startsWith('extract-'))).toEqual([]);
  registry.blobs.set(layer.descriptor.digest, good);
  await engine.pull(scope, at(reference), pullOptions(reference));
  expect(await metadata.leases.list(scope)).toEqual([]); // that of the failed pull went, too
  expect(await metadata.content.statuses(scope)).toEqual([]);
});

test('a layer that is not what the configuration says is refused', async () => {
  const test = await start();
  const layers = [sampleLayer({ a: '1' }), sampleLayer({ b: '2' })];
  const wrong = sampleImage(layers, { diffIds: [layers[0]!.diffId, layers[0]!.diffId] });
  publish(registry, 'a/b', 'wrong', wrong);
  const reference = `${registry.host}/a/b:wrong`;
  const error = await failureOf(test.engine.pull(scope, at(reference), pullOptions(reference)));
  expect([classOf(error), error.message.includes('unpacks to')]).toEqual(['failed_precondition', true]);
  expect((await keys(overlay(test))).filter((key) => key.startsWith('extract-'))).toEqual([]);
  const short = sampleImage(layers, { diffIds: [layers[0]!.diffId] });
  publish(registry, 'a/b', 'short', short);
  const other = `${registry.host}/a/b:short`;
  const mismatch = await failureOf(test.engine.pull(scope, at(other), pullOptions(other)));
  expect(mismatch.message).toContain('image has 2 layers, its configuration names 1');
});

test('an image with the same layer twice is unpacked', async () => {
  const test = await start();
  const layer = sampleLayer({ a: '1' });
  const image = sampleImage([layer, sampleLayer({ b: '2' }), layer]);
  publish(registry, 'a/b', 'twice', image);
  const reference = `${registry.host}/a/b:twice`;
  await test.engine.pull(scope, at(reference), pullOptions(reference));
  const see = await lookAt(overlay(test), topOf(image));
  expect([see('a'), see('b')]).toEqual(['1', '2']);
});

test('a missing image says so as clients expect, and leaves no lease', async () => {
  const { engine, metadata } = await start();
  const reference = `${registry.host}/no/such:tag`;
  const error = await failureOf(engine.pull(scope, at(reference), pullOptions(reference)));
  expect([classOf(error), error.message]).toEqual([
    'not_found',
    `failed to resolve reference "${reference}": ${reference}: not found`,
  ]);
  expect(await metadata.leases.list(scope)).toEqual([]);
});

test('progress tells of everything once at least, with parents and totals, and ends with the name', async () => {
  const { engine } = await start();
  const image = threeLayers();
  publish(registry, 'a/b', 'v1', image);
  const reference = `${registry.host}/a/b:v1`;
  const told: Progress[] = [];
  const options = pullOptions(reference, { onProgress: (progress) => told.push(progress) });
  await engine.pull(scope, at(reference), options);
  const lines = told.filter(({ name }) => name === '').map(({ event }) => event);
  const from = `OCI Registry (${reference})`;
  expect(lines).toEqual([`Resolving from ${from}`, `Pulling from ${from}`, `Completed pull from ${from}`]);
  const last = new Map(told.map((progress) => [progress.name, progress]));
  const manifest = `manifest-${image.manifest.digest}`;
  expect(last.get(manifest)).toMatchObject({ event: 'complete', parents: [reference] });
  for (const { descriptor } of image.layers) {
    const { size } = descriptor;
    const layer = { event: 'extracted', parents: [manifest], progress: size, total: size };
    expect(last.get(`layer-${descriptor.digest}`)).toMatchObject(layer);
  }
  expect(last.get(reference)?.event).toBe('saved');
});
