import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { Client } from '#client/client';
import { pull } from '#client/transfer';
import { type Scope, scopeOf } from '#core/scope';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { runCtr } from '#test/support/ctr';
import { DockerRegistry } from '#test/support/docker-registry';

const open = new AsyncDisposableStack();
let on: BusyboxDaemon;
let registry: DockerRegistry;

beforeAll(async () => {
  on = open.use(await startBusyboxDaemon());
  registry = open.use(await DockerRegistry.start('/dev/shm'));
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

async function fine(namespace: string, ...words: readonly string[]): Promise<string> {
  const { code, out, err } = await runCtr(['-a', on.daemon.address, '-n', namespace, 'images', ...words]);
  expect([words, code, err]).toEqual([words, 0, '']);
  return out;
}

/** What stands in a namespace, times aside. */
async function storeOf(client: Client, scope: Scope): Promise<unknown> {
  const snapshotter = await client.snapshotter(scope, '');
  const blobs = await Array.fromAsync(client.content.walk(scope));
  const snapshots = await Array.fromAsync(snapshotter.walk(scope));
  return {
    images: (await client.images.list(scope)).map(({ name, target, labels }) => ({ name, target, labels })),
    content: blobs
      .map(({ digest, size, labels }) => ({ digest, size, labels }))
      .sort((a, b) => (a.digest < b.digest ? -1 : 1)),
    snapshots: snapshots.map(({ name, parent, kind, labels }) => ({ name, parent, kind, labels })),
    ingests: await client.content.statuses(scope),
    leases: await client.leases.list(scope),
  };
}

test('with --local the client does what the daemon does, and the same comes of it', async () => {
  const name = `${registry.host}/lib/busybox:1`;
  const archive = join(on.daemon.directory, 'local.tar');
  const { namespace } = on.scope;
  await fine(namespace, 'tag', 'busybox', name);
  await fine(namespace, 'push', '--local', '--plain-http', name);
  await fine('by-daemon', 'pull', '--plain-http', name);
  await fine('by-client', 'pull', '--local', '--plain-http', name);
  const byDaemon = await storeOf(on.client, scopeOf('by-daemon'));
  expect(await storeOf(on.client, scopeOf('by-client'))).toEqual(byDaemon);
  await fine('by-client', 'export', '--local', archive, name);
  await fine('imported-by-daemon', 'import', archive);
  await fine('imported-by-client', 'import', '--local', archive);
  expect(await storeOf(on.client, scopeOf('imported-by-client'))).toEqual(
    await storeOf(on.client, scopeOf('imported-by-daemon')),
  );
}, 120_000);

test('a daemon that has the service is asked to do the work', async () => {
  const scope = scopeOf('asked');
  const seen: string[] = [];
  const transfer = await on.client.transferBy();
  expect([transfer === on.client.transfer, (await on.client.transferBy('client')) === on.client.localTransfer]).toEqual(
    [true, true],
  );
  const options = {
    defaultScheme: 'http' as const,
    performer: 'client' as const,
    onProgress: ({ event }: { event: string }) => seen.push(event),
  };
  const { target } = await pull(on.client, scope, `${registry.host}/lib/busybox:1`, options);
  expect((await on.client.images.get(scope, `${registry.host}/lib/busybox:1`)).target).toEqual(target);
  expect(seen.join(' ')).toMatch(/^Resolving.*Pulling.*Completed pull/);
}, 120_000);

test('a local pull that is interrupted ends, names nothing, and the next one succeeds', async () => {
  const scope = scopeOf('interrupted');
  const stop = new AbortController();
  const options = { defaultScheme: 'http' as const, performer: 'client' as const, onProgress: () => stop.abort() };
  const name = `${registry.host}/lib/busybox:1`;
  const cut = pull(on.client, { ...scope, signal: stop.signal }, name, options);
  expect(
    await cut.then(
      () => 'none',
      (thrown: { class?: string }) => thrown.class,
    ),
  ).toBe('canceled');
  expect(await on.client.images.list(scope)).toEqual([]);
  await pull(on.client, scope, name, { defaultScheme: 'http', performer: 'client' });
  expect((await on.client.images.list(scope)).map((image) => image.name)).toEqual([name]);
}, 120_000);
