import { randomBytes } from 'node:crypto';
import { isFault } from '#base/errors';
import { type Client, openClient } from '#client/client';
import { createSandbox, deleteSandbox, startSandbox } from '#client/sandbox';
import { pull } from '#client/transfer';
import { rootSnapshot } from '#client/unpacked';
import { type Scope, scopeOf } from '#core/scope';
import { digestOf } from '#lib/digest';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { removeContainer, runContainer } from './containers.ts';

const emptySpec = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value: Buffer.from('{}') };
const root = { 'containerd.io/gc.root': 'yes' };
const none = { 'containerd.io/gc.root': '' };

/**
 * A little of everything that a daemon writes: pulls and unpacks, runs and removes a container, commits blobs and snapshots, mounts, deletes and
 * collects. `round` keeps apart what several of them make. @throws whatever fails first
 */
export async function workOnEverything(address: string, scope: Scope, reference: string, round: string): Promise<void> {
  await using client = openClient(address);
  const image = await pull(client, scope, reference);
  const top = await rootSnapshot(client, scope, image.target, onlyPlatform(defaultPlatform()));
  await runAndRemove(client, scope, `c-${round}`, top);
  await commitBlobs(client, scope, round);
  await commitSnapshots(client, scope, round);
  await mountAndUnmount(client, scope, `m-${round}`);
  const wanted = { id: `s-${round}`, runtime: { name: 'io.containerd.runc.v2' }, spec: emptySpec };
  const sandbox = await createSandbox(client, scope, wanted);
  await startSandbox(client, scope, sandbox);
  await deleteSandbox(client, scope, sandbox);
  await tidy(client, scope);
}

async function mountAndUnmount(client: Client, scope: Scope, name: string): Promise<void> {
  const tmpfs = { type: 'tmpfs', source: 'tmpfs', target: '', options: [] };
  // What no lease has goes with the next collection.
  await using lease = await client.lease(scope);
  await client.mounts.activate(lease.scope, name, [tmpfs], { temporary: true });
  await client.mounts.deactivate(scope, name);
}

async function runAndRemove(client: Client, scope: Scope, id: string, top: string): Promise<void> {
  await runContainer(client, scope, id, { top, args: ['/bin/sh', '-c', 'exit 7'] });
  const { exitStatus } = await client.tasks.wait(scope, id, '');
  if (exitStatus !== 7) throw new Error(`the container ended with ${exitStatus}`);
  await client.tasks.delete(scope, id);
  await removeContainer(client, scope, id);
}

async function commitBlobs(client: Client, scope: Scope, round: string): Promise<void> {
  for (const name of ['a', 'b']) {
    const body = randomBytes(50_000);
    await using writer = await client.content.writer(scope, `${name}-${round}`, { total: body.length });
    await writer.write(body.subarray(0, 20_000));
    await writer.write(body.subarray(20_000));
    await writer.commit(body.length, digestOf(body), root);
  }
  {
    await using writer = await client.content.writer(scope, `left-${round}`);
    await writer.write(randomBytes(100));
  }
  await client.content.abort(scope, `left-${round}`);
}

async function commitSnapshots(client: Client, scope: Scope, round: string): Promise<void> {
  for (const name of ['overlayfs', 'native']) {
    const snapshotter = await client.snapshotter(scope, name);
    await snapshotter.prepare(scope, `key-${round}`, '', { labels: root });
    await snapshotter.commit(scope, `base-${round}`, `key-${round}`, { labels: root });
    await snapshotter.prepare(scope, `key-${round}`, `base-${round}`, { labels: root });
    await snapshotter.remove(scope, `key-${round}`);
  }
}

/** Gives up everything in the namespace, whatever state it is in, and collects. */
export async function tidy(client: Client, scope: Scope): Promise<void> {
  for (const { id } of await client.tasks.list(scope)) {
    await ignoring(client.tasks.kill(scope, id, { execId: '', signal: 9, all: true }), 'not_found');
    await client.tasks.wait(scope, id, '');
    await client.tasks.delete(scope, id);
  }
  for (const sandbox of await client.sandboxes.list(scope)) await deleteSandbox(client, scope, sandbox);
  for (const { name } of await client.mounts.list(scope))
    await ignoring(client.mounts.deactivate(scope, name), 'not_found');
  for (const { id } of await client.containers.list(scope)) await client.containers.delete(scope, id);
  for await (const { digest } of client.content.walk(scope))
    await ignoring(
      client.content.update(scope, { digest, labels: none }, ['labels.containerd.io/gc.root']),
      'not_found',
    );
  for (const { ref } of await client.content.statuses(scope))
    await ignoring(client.content.abort(scope, ref), 'not_found');
  for (const name of ['overlayfs', 'native']) {
    const snapshotter = await client.snapshotter(scope, name);
    for await (const info of snapshotter.walk(scope))
      await ignoring(
        snapshotter.update(scope, { name: info.name, labels: none }, ['labels.containerd.io/gc.root']),
        'not_found',
      );
  }
  for (const { name } of await client.images.list(scope)) await client.images.delete(scope, name);
  for (const { id } of await client.leases.list(scope)) await ignoring(client.leases.delete(scope, id), 'not_found');
  const { id } = await client.leases.create(scopeOf(scope.namespace), { id: '', labels: {} });
  await client.leases.delete(scope, id, { sync: true });
}

/** Somebody, a collection perhaps, was quicker. */
async function ignoring(work: Promise<unknown>, cls: 'not_found'): Promise<void> {
  await work.catch((thrown: unknown) => {
    if (!isFault(thrown, cls)) throw thrown;
  });
}
