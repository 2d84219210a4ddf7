import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync } from 'node:fs';
import { checkImage } from '#client/image-blobs';
import { pull } from '#client/transfer';
import { unpackImage } from '#client/unpack';
import { isUnpacked, rootSnapshot } from '#client/unpacked';
import { manifestFor } from '#core/images/image-content';
import { faultOf } from '#core/subject';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { runCtr } from '#test/support/ctr';
import { FakeRegistry } from '#test/support/fake-registry';
import { leftBehind } from '#test/support/nothing-left';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';

const platforms = onlyPlatform(defaultPlatform());
const open = new AsyncDisposableStack();
let on: BusyboxDaemon;
let registry: FakeRegistry;
beforeAll(async () => {
  on = open.use(await startBusyboxDaemon());
  registry = open.use(await FakeRegistry.start());
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

const layers = [sampleLayer({ 'a/': '', 'a/one': '1' }), sampleLayer({ 'a/two': '2' }), sampleLayer({ three: '3' })];

test('an image that was only fetched is unpacked by its client, once', async () => {
  const { client, scope } = on;
  publish(registry, 'a/good', 'v1', sampleImage(layers));
  const { target } = await pull(client, scope, `${registry.host}/a/good:v1`, { unpack: false });
  const found = await manifestFor(client.content, scope, target, platforms);
  expect(await isUnpacked(client, scope, target, platforms, 'overlayfs')).toBe(false);
  expect(await checkImage(client.content, scope, target, platforms)).toMatchObject({
    available: true,
    required: 4,
    present: 4,
    missing: [],
  });
  // Two at once do not hinder each other.
  const both = await Promise.all([1, 2].map(() => unpackImage(client, scope, found, 'overlayfs')));
  const root = await rootSnapshot(client, scope, target, platforms);
  expect(both).toEqual([root, root]);
  expect(await unpackImage(client, scope, found, 'overlayfs')).toBe(root);
  expect(await isUnpacked(client, scope, target, platforms, 'overlayfs')).toBe(true);
  expect(await leftBehind(on.daemon, client, scope)).toEqual([]);
}, 120_000);

test('a layer that is not what the configuration says is refused, and leaves no snapshot', async () => {
  const { client, scope } = on;
  const wrong = layers.map((layer, at) => (at === 1 ? `sha256:${'0'.repeat(64)}` : layer.diffId));
  publish(registry, 'a/bad', 'v1', sampleImage(layers, { diffIds: wrong }));
  const { target } = await pull(client, scope, `${registry.host}/a/bad:v1`, { unpack: false });
  const found = await manifestFor(client.content, scope, target, platforms);
  expect(await faultOf(unpackImage(client, scope, found, 'overlayfs'))).toBe('failed_precondition');
  expect(await isUnpacked(client, scope, target, platforms, 'overlayfs')).toBe(false);
  expect(await leftBehind(on.daemon, client, scope)).toEqual([]);
}, 120_000);

const ids = layers.map((layer) => layer.diffId);
for (const diffIds of [ids.slice(0, 1), [...ids, ids[0] ?? '']])
  test(`layers are refused when their diff ids are ${diffIds.length} and they are 3`, async () => {
    const { client, scope } = on;
    publish(registry, 'a/few', 'v1', sampleImage(layers, { diffIds }));
    const { target } = await pull(client, scope, `${registry.host}/a/few:v1`, { unpack: false });
    const found = await manifestFor(client.content, scope, target, platforms);
    expect(await faultOf(unpackImage(client, scope, found, 'overlayfs'))).toBe('invalid_argument');
    expect(await leftBehind(on.daemon, client, scope)).toEqual([]);
  }, 120_000);

test('a user namespace: the files belong to its root, and its root is nobody here', async () => {
  chmodSync(on.daemon.directory, 0o711); // the mapped root must be able to reach its bundle
  const words = 'run --rm --uidmap 0:100000:65536 --gidmap 0:200000:65536 busybox mapped /bin/sh -c';
  const script =
    'cat /proc/self/uid_map /proc/self/gid_map; [ -O /bin/busybox ] && echo mine; echo x >/tmp/x && echo written';
  const ran = await runCtr(['-a', on.daemon.address, '-n', on.scope.namespace, ...words.split(' '), script]);
  expect(ran.err).toBe('');
  expect(ran.out.replace(/ +/g, ' ')).toBe(' 0 100000 65536\n 0 200000 65536\nmine\nwritten\n');
  // Again, on the tree that was shifted before.
  expect((await runCtr(['-a', on.daemon.address, '-n', on.scope.namespace, ...words.split(' '), 'true'])).code).toBe(0);
  expect(await leftBehind(on.daemon, on.client, on.scope)).toEqual([]);
}, 120_000);
