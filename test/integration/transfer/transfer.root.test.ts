import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { classOf } from '#base/errors';
import { type Client, openClient } from '#client/client';
import { exportImages, importImages, pull, push } from '#client/transfer';
import { scopeOf } from '#core/scope';
import type { Progress } from '#core/transfer/progress';
import type { Digest } from '#lib/digest';
import { startDaemon, type TestDaemon } from '#test/support/daemon';
import { DockerRegistry } from '#test/support/docker-registry';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';

setDefaultTimeout(120_000);
const scope = scopeOf('test');
const open = new AsyncDisposableStack();
let daemon: TestDaemon;
let client: Client;
let registry: FakeRegistry;

const image = sampleImage([
  sampleLayer({ 'etc/': '', 'etc/a': 'one' }),
  sampleLayer({ 'big/': '', 'big/random': randomBytes(5_000_000) }),
]);

beforeAll(async () => {
  daemon = open.use(await startDaemon({ parent: '/dev/shm' }));
  client = open.use(openClient(daemon.address));
  registry = open.use(await FakeRegistry.start({ auth: { mode: 'bearer', user: 'u', password: 'p' } }));
  publish(registry, 'a/b', 'v1', image);
});
afterAll(() => open.disposeAsync());

const credentials = async () => ({ user: 'u', password: 'p' });

test('a pull through the daemon asks for credentials, tells of progress and unpacks', async () => {
  const reference = `${registry.host}/a/b:v1`;
  const asked: string[] = [];
  const told: Progress[] = [];
  const pulled = await pull(client, scope, reference, {
    credentials: async (host, challenge) => {
      asked.push(`${host} ${challenge.split(' ')[0]}`);
      return { user: 'u', password: 'p' };
    },
    onProgress: (progress) => told.push(progress),
    labels: { mine: 'yes' },
  });
  expect([pulled.name, pulled.labels, pulled.target.digest as string]).toEqual([
    reference,
    { mine: 'yes' },
    image.manifest.digest,
  ]);
  expect(asked).toEqual([`${registry.host} Bearer`]);
  expect(told.at(0)?.event).toBe(`Resolving from OCI Registry (${reference})`);
  expect(told.at(-1)?.event).toBe(`Completed pull from OCI Registry (${reference})`);
  const layer = `layer-${image.layers[1]!.descriptor.digest}`;
  expect(told.findLast(({ name }) => name === layer)).toMatchObject({ event: 'extracted' });
  const snapshotter = await client.snapshotter(scope, '');
  const { labels } = await client.content.info(scope, image.config.digest as Digest);
  const top = labels['containerd.io/gc.ref.snapshot.overlayfs'] ?? '';
  expect((await snapshotter.stat(scope, top)).kind).toBe('committed');
});

test('a refused pull says why and leaves nothing', async () => {
  const reference = `${registry.host}/a/b:v1`;
  const other = scopeOf('refused');
  const error = await pull(client, other, reference).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(classOf(error)).toBe('unauthenticated');
  expect(error?.message).toStartWith(`failed to resolve reference "${reference}": `);
  expect(await client.images.list(other)).toEqual([]);
});

test('a cancelled pull ends at once in the daemon, too', async () => {
  const silent = open.use(await FakeRegistry.start());
  // One that no other namespace has: this one would be given it.
  const layer = sampleLayer({ fresh: randomBytes(1_000_000) });
  publish(silent, 'a/b', 'v1', sampleImage([layer]));
  const reached = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  silent.intercept = (request, response) => {
    if (!request.url?.includes(layer.descriptor.digest)) return false;
    response.writeHead(200, { 'content-length': layer.blob.length });
    response.flushHeaders();
    request.socket.once('close', () => closed.resolve());
    reached.resolve();
    return true;
  };
  const cancel = new AbortController();
  const running = pull(client, scopeOf('cancelled', { signal: cancel.signal }), `${silent.host}/a/b:v1`);
  running.catch(() => {});
  await reached.promise;
  cancel.abort();
  expect(
    await running.then(
      () => '',
      (thrown: unknown) => classOf(thrown),
    ),
  ).toBe('canceled');
  await closed.promise; // the daemon let go of the registry
});

test('push, export and import through the daemon', async () => {
  const name = `${registry.host}/a/b:v1`;
  await pull(client, scope, name, { credentials });
  await using target = await DockerRegistry.start('/dev/shm');
  const reference = `${target.host}/x/y:v1`;
  const events: string[] = [];
  await push(client, scope, reference, { name, onProgress: ({ event }) => events.push(event) });
  expect(events.at(-1)).toBe(`Completed push to OCI Registry (${reference})`);
  const elsewhere = scopeOf('elsewhere');
  expect((await pull(client, elsewhere, reference)).target.digest as string).toBe(image.manifest.digest);
  const parts: Uint8Array[] = [];
  for await (const part of exportImages(client, scope, [name])) parts.push(part);
  const archive = Buffer.concat(parts);
  const again = scopeOf('again');
  const pieces = (async function* () {
    for (let at = 0; at < archive.length; at += 100_000) yield archive.subarray(at, at + 100_000);
  })();
  const imported = await importImages(client, again, pieces);
  expect(imported.map((one) => [one.name, one.target.digest as string])).toEqual([[name, image.manifest.digest]]);
  const missing = exportImages(client, scope, ['nope'])[Symbol.asyncIterator]().next();
  expect(
    await missing.then(
      () => '',
      (thrown: Error) => thrown.message,
    ),
  ).toContain('image "nope": not found');
});
