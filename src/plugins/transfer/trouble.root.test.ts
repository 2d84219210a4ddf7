import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { classOf } from '#base/errors';
import { scopeOf } from '#core/scope';
import type { Digest } from '#lib/digest';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, publishIndex, sampleImage, sampleLayer } from '#test/support/sample-image';
import { at, openTestEngine, pullOptions } from './engine.fixture.ts';

setDefaultTimeout(120_000);
const scope = scopeOf('test');
let open: AsyncDisposableStack;
let registry: FakeRegistry;

beforeEach(async () => {
  open = new AsyncDisposableStack();
  registry = open.use(await FakeRegistry.start());
});
afterEach(() => open.disposeAsync());

const textOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: Error) => `${classOf(error)}: ${error.message}`,
  );

test('a full disk is said to be full, leaves a store that works, and the pull succeeds once there is room', async () => {
  const dir = mkdtempSync('/tmp/berth-full-');
  open.defer(() => rmSync(dir, { recursive: true, force: true }));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'none', dir]);
  // Lazily: the content store keeps small blobs open for a while.
  open.defer(() => void execFileSync('umount', ['-l', dir]));
  const { engine, metadata } = open.use(await openTestEngine({ dir }));
  const big = sampleImage([sampleLayer({ a: randomBytes(3_000_000) }), sampleLayer({ b: randomBytes(9_000_000) })]);
  const small = sampleImage([sampleLayer({ c: 'small' })]);
  publish(registry, 'a/b', 'big', big);
  publish(registry, 'a/b', 'small', small);
  const name = (tag: string) => `${registry.host}/a/b:${tag}`;
  expect(await textOf(engine.pull(scope, at(name('big')), pullOptions(name('big'))))).toMatch(/^resource_exhausted/);
  expect(await metadata.images.list(scope)).toEqual([]);
  expect((await metadata.content.statuses(scope)).map(({ offset }) => offset).filter((offset) => offset > 0)).toEqual(
    [],
  );
  for (const { id } of await metadata.leases.list(scope)) await metadata.leases.delete(scope, id);
  await metadata.collect(scope.signal);
  await metadata.snapshotters.get('overlayfs')?.cleanup(scope);
  await engine.pull(scope, at(name('small')), pullOptions(name('small')));
  execFileSync('mount', ['-o', 'remount,size=64m', dir]);
  await engine.pull(scope, at(name('big')), pullOptions(name('big')));
});

test('a pull of docker.io goes to the mirror of the older tables, with the name it is asked under', async () => {
  const image = sampleImage([sampleLayer({ a: 'x' })]);
  publish(registry, 'library/busybox', 'latest', image);
  const mirrors = { mirrors: { 'docker.io': { endpoint: [registry.url] } } };
  const { engine, metadata } = open.use(await openTestEngine({ mirrors }));
  const reference = 'docker.io/library/busybox:latest';
  await engine.pull(scope, { reference }, pullOptions(reference));
  expect(registry.seen.every(({ url }) => url === '/v2/' || url.endsWith('?ns=docker.io'))).toBe(true);
  const { labels } = await metadata.content.info(scope, image.manifest.digest as Digest);
  expect(labels['containerd.io/distribution.source.docker.io']).toBe('library/busybox');
});

test('a registry whose index is a lie is refused: itself, a manifest by the wrong type, megabytes of nesting, too large', async () => {
  const { engine, metadata } = open.use(await openTestEngine());
  const index = 'application/vnd.oci.image.index.v1+json';
  const manifest = 'application/vnd.oci.image.manifest.v1+json';
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${'1'.repeat(64)}`, size: 1 };
  registry.manifest('a/b', 'wrong-kind', index, { schemaVersion: 2, config: layer, layers: [layer] });
  registry.manifest('a/b', 'both', manifest, { schemaVersion: 2, config: layer, layers: [layer], manifests: [layer] });
  registry.manifest('a/b', 'deep', manifest, '{"a":'.repeat(300_000));
  registry.manifest('a/b', 'html', 'text/html', '<html>login</html>');
  const nested = registry.manifest('a/b', 'inner', index, { schemaVersion: 2, manifests: [] });
  let inner: object = nested;
  for (let i = 0; i < 12; i++)
    inner = registry.manifest('a/b', 'nested', index, { schemaVersion: 2, manifests: [inner] });
  const pull = (tag: string) => {
    const reference = `${registry.host}/a/b:${tag}`;
    return textOf(engine.pull(scope, at(reference), pullOptions(reference, { unpacks: [] })));
  };
  expect(await pull('wrong-kind')).toMatch(
    /^invalid_argument: sha256:\w+: media-type: expected index but found manifest/,
  );
  expect(await pull('both')).toMatch(/^invalid_argument: sha256:\w+: media-type: expected manifest but found index/);
  expect(await pull('deep')).toMatch(/^invalid_argument: sha256:\w+: JSON is nested deeper/);
  expect(await pull('html')).toMatch(/^not_implemented/);
  expect(await pull('nested')).toMatch(/^invalid_argument: indexes are nested more than 8 deep/);
  expect(await metadata.images.list(scope)).toEqual([]);
  expect(await metadata.content.statuses(scope)).toEqual([]);
});

test('further names are written with the first, and an unpack that has no image is refused', async () => {
  const { engine, metadata } = open.use(await openTestEngine());
  const image = sampleImage([sampleLayer({ a: 'x' })], { architecture: 'amd64' });
  publishIndex(registry, 'a/b', 'multi', { 'linux/amd64': image });
  const reference = `${registry.host}/a/b:multi`;
  const flags = { isPrefix: false, allowOverwrite: false, addDigest: false, skipNamedDigest: false };
  const names = [
    { name: 'second', ...flags },
    { name: 'third', ...flags, addDigest: true },
  ];
  const amd64 = { os: 'linux', architecture: 'amd64' };
  const unpacks = [{ platform: amd64, snapshotter: 'overlayfs' }];
  const { target } = await engine.pull(scope, at(reference), pullOptions(reference, { names, unpacks }));
  expect((await metadata.images.list(scope)).map(({ name }) => name).sort()).toEqual(
    [reference, 'second', 'third', `third@${target.digest}`].sort(),
  );
  const other = [{ platform: { os: 'linux', architecture: 's390x' }, snapshotter: 'overlayfs' }];
  expect(await textOf(engine.pull(scope, at(reference), pullOptions(reference, { unpacks: other })))).toMatch(
    /^not_found: no match for platform linux\/s390x in manifest/,
  );
  const unknown = [{ platform: amd64, snapshotter: 'nope' }];
  expect(await textOf(engine.pull(scope, at(reference), pullOptions(reference, { unpacks: unknown })))).toMatch(
    /^invalid_argument: snapshotter not loaded: nope/,
  );
});
