import { expect, test } from 'bun:test';
import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Client, openClient } from '#client/client';
import { pull, push } from '#client/transfer';
import { unpackImage } from '#client/unpack';
import { rootSnapshot } from '#client/unpacked';
import { manifestFor } from '#core/images/image-content';
import { type Scope, scopeOf } from '#core/scope';
import { type Digest, digestOf } from '#lib/digest';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { startBusyboxDaemon } from '#test/support/busybox-daemon';
import { busyboxImage } from '#test/support/busybox-image';
import { checkStore, soundStore } from '#test/support/check-store';
import { removeContainer, runContainer } from '#test/support/containers';
import { startDaemon, type TestDaemon } from '#test/support/daemon';
import { DockerRegistry } from '#test/support/docker-registry';
import { FakeRegistry } from '#test/support/fake-registry';
import { leftBehind } from '#test/support/nothing-left';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';

const rounds = Number(process.env.BERTH_KILLS ?? 50);
const seed = Number(process.env.BERTH_SEED ?? randomInt(1 << 30));
const platform = onlyPlatform(defaultPlatform());

/** What is under way when the daemon is killed. `acknowledged` is told of what may not be lost any more. */
type Work = (on: Place, acknowledged: Acknowledged) => Promise<void>;

interface Place {
  readonly client: Client;
  readonly scope: Scope;
  readonly reference: string;
}

interface Acknowledged {
  readonly blobs: Digest[];
  readonly snapshots: string[];
}

const works: Readonly<Record<string, Work>> = {
  async pull({ client, scope, reference }) {
    await pull(client, scope, reference);
  },
  async unpack({ client, scope, reference }) {
    const { target } = await pull(client, scope, reference, { unpack: false });
    await unpackImage(client, scope, await manifestFor(client.content, scope, target, platform), 'overlayfs');
  },
  async commit({ client, scope }, { blobs, snapshots }) {
    const snapshotter = await client.snapshotter(scope, 'overlayfs');
    const labels = { 'containerd.io/gc.root': 'yes' };
    const blobWork = async () => {
      for (let i = 0; i < 12; i++) {
        const body = randomBytes(400_000);
        const digest = digestOf(body);
        await using writer = await client.content.writer(scope, `ref-${i}`, { total: body.length, expected: digest });
        await writer.write(body.subarray(0, 200_000));
        await writer.write(body.subarray(200_000));
        await writer.commit(body.length, digest, labels);
        blobs.push(digest);
      }
    };
    const snapshotWork = async () => {
      for (let i = 0, parent = ''; i < 12; i++) {
        await snapshotter.prepare(scope, `key-${i}`, parent, { labels });
        await snapshotter.commit(scope, `name-${i}`, `key-${i}`, { labels });
        snapshots.push(`name-${i}`);
        parent = `name-${i}`;
      }
    };
    await Promise.all([blobWork(), snapshotWork()]);
  },
  async delete({ client, scope, reference }) {
    await pull(client, scope, reference);
    await client.images.delete(scope, reference, { sync: true });
  },
};

test(
  `kill -9 at ${rounds} random moments of pull, unpack, commit and delete`,
  async () => {
    console.log(`BERTH_SEED=${seed}`);
    const random = generator(seed);
    await using on = await startBusyboxDaemon({ parent: '/dev/shm' });
    await using registry = await DockerRegistry.start('/dev/shm');
    const { daemon, scope } = on;
    const reference = `${registry.host}/a/b:v1`;
    await fill(registry, reference);
    const usual = new Map<string, number>();
    await using first = openClient(daemon.address);
    for (const [name, work] of Object.entries(works)) {
      const begin = performance.now();
      await work({ client: first, scope, reference }, { blobs: [], snapshots: [] });
      usual.set(name, performance.now() - begin);
      await sweep(first, scope, reference);
    }
    const kept = inStore(daemon);
    let inMiddle = 0;
    for (let round = 0; round < rounds; round++) {
      const [name, work] = Object.entries(works)[round % 4] as [string, Work];
      const moment = random() * 1.1 * (usual.get(name) ?? 0);
      const what = `round ${round}: ${name} after ${moment.toFixed(1)} ms`;
      const acknowledged = { blobs: [], snapshots: [] };
      {
        await using client = openClient(daemon.address);
        const begin = performance.now();
        let took: number | undefined;
        const working = work({ client, scope, reference }, acknowledged).then(
          () => {
            took = performance.now() - begin;
          },
          () => undefined,
        );
        await wait(moment);
        if (took === undefined) inMiddle++;
        // A machine that is busy at one time and idle at another: the next moment is drawn from what the work takes now.
        usual.set(name, took ?? (usual.get(name) ?? 0) * 1.15);
        await daemon.kill('SIGKILL');
        await working;
      }
      await daemon.start();
      await using client = openClient(daemon.address);
      const { missing, corrupt } = checkStore(daemon.root);
      expect({ what, missing, corrupt }).toEqual({ what, missing: [], corrupt: [] });
      await expectKept(client, scope, acknowledged, what);
      const image = await pull(client, scope, reference);
      const top = await rootSnapshot(client, scope, image.target, platform);
      await client.images.delete(scope, 'none-such', { sync: true }).catch(() => {});
      if (round % 5 === 0) await runOnce(client, scope, top, what);
      expect(await missingNow(daemon.root)).toEqual([]);
      await sweep(client, scope, reference);
      expect({ what, ...(await settled(daemon)) }).toEqual({ what, ...soundStore });
      expect({ what, ...inStore(daemon) }).toEqual({ what, ...kept });
    }
    console.log(`killed in the middle of its work: ${inMiddle} of ${rounds}`);
    expect(inMiddle).toBeGreaterThan(rounds / 3);
    expect(await leftBehind(daemon, on.client, scope)).toEqual([]);
  },
  { timeout: 120_000 + rounds * 20_000 },
);

test('what no row knows is seen, and goes with the first collection after a start', async () => {
  await using on = await startBusyboxDaemon({ parent: '/dev/shm' });
  const { daemon, client, scope } = on;
  const content = join(daemon.root, 'io.containerd.content.v1.content');
  const kept = inStore(daemon);
  await daemon.kill('SIGKILL');
  const body = randomBytes(1000);
  writeFileSync(join(content, 'blobs', digestOf(body).replace(':', '/')), body);
  mkdirSync(join(content, 'ingest', 'a'.repeat(64)));
  mkdirSync(join(content, 'ingest', digestOf('test/1/lost').slice(7)));
  writeFileSync(join(content, 'ingest', digestOf('test/1/lost').slice(7), 'ref'), 'test/1/lost');
  mkdirSync(join(daemon.root, 'io.containerd.snapshotter.v1.overlayfs/snapshots/999/fs'), { recursive: true });
  expect(checkStore(daemon.root)).toEqual({
    ...soundStore,
    orphans: [
      `blob ${digestOf(body)}`,
      ...['a'.repeat(64), digestOf('test/1/lost').slice(7)].sort().map((name) => `ingest ${name}`),
      'snapshot directory 999',
    ],
  });
  await daemon.start();
  await sweep(client, scope, 'none');
  expect(await settled(daemon)).toEqual(soundStore);
  expect(inStore(daemon)).toEqual(kept);
}, 120_000);

/** Puts an image that runs, of five layers, into the registry, by another daemon. */
async function fill(registry: DockerRegistry, reference: string): Promise<void> {
  await using source = await FakeRegistry.start();
  await using daemon = await startDaemon({ built: true, parent: '/dev/shm' });
  await using client = openClient(daemon.address);
  const scope = scopeOf('fill');
  const files = (part: number) =>
    Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`p${part}-${i}`, randomBytes(15_000 * (part + 1))]));
  const image = sampleImage([...busyboxImage().layers, ...[0, 1, 2, 3].map((part) => sampleLayer(files(part)))]);
  publish(source, 'a/b', 'v1', image);
  await pull(client, scope, `${source.host}/a/b:v1`, { unpack: false });
  await push(client, scope, reference, { name: `${source.host}/a/b:v1` });
  expect(registry.host).toBe(reference.split('/')[0] ?? '');
}

async function expectKept(client: Client, scope: Scope, { blobs, snapshots }: Acknowledged, what: string) {
  for (const digest of blobs) expect([what, (await client.content.info(scope, digest)).size]).toEqual([what, 400_000]);
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  for (const name of snapshots) expect([what, (await snapshotter.stat(scope, name)).kind]).toEqual([what, 'committed']);
}

async function runOnce(client: Client, scope: Scope, top: string, what: string): Promise<void> {
  await runContainer(client, scope, 'once', { top, args: ['/bin/sh', '-c', 'cat /p3-59 >/dev/null && exit 11'] });
  expect([what, (await client.tasks.wait(scope, 'once', '')).exitStatus]).toEqual([what, 11]);
  await client.tasks.delete(scope, 'once');
  await removeContainer(client, scope, 'once');
}

/** Gives up everything but the image that was there at the beginning, and collects. */
async function sweep(client: Client, scope: Scope, reference: string): Promise<void> {
  const root = { 'containerd.io/gc.root': '' };
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  for await (const { digest, labels } of client.content.walk(scope, ['labels."containerd.io/gc.root"==yes']))
    await client.content.update(scope, { digest, labels: { ...labels, ...root } }, ['labels.containerd.io/gc.root']);
  for await (const { name } of snapshotter.walk(scope, ['labels."containerd.io/gc.root"==yes']))
    await snapshotter.update(scope, { name, labels: root }, ['labels.containerd.io/gc.root']);
  for (const { ref } of await client.content.statuses(scope)) await client.content.abort(scope, ref);
  for (const { id } of await client.leases.list(scope)) await client.leases.delete(scope, id);
  await client.images.delete(scope, reference, { sync: true }).catch(() => {});
  // The image may have gone before the kill; then this is what collects.
  const { id } = await client.leases.create(scope, { id: '', labels: {} });
  await client.leases.delete(scope, id, { sync: true });
}

/** Directories of snapshots go when nobody waits. */
async function settled(daemon: TestDaemon) {
  for (let waited = 0; waited < 60_000; waited += 50) {
    const found = checkStore(daemon.root);
    if (found.orphans.length + found.doomed.length === 0) return found;
    await wait(50);
  }
  return checkStore(daemon.root);
}

function inStore({ root }: TestDaemon) {
  const of = (...path: string[]) => readdirSync(join(root, ...path)).sort();
  return {
    blobs: of('io.containerd.content.v1.content', 'blobs', 'sha256'),
    ingests: of('io.containerd.content.v1.content', 'ingest'),
    snapshots: of('io.containerd.snapshotter.v1.overlayfs', 'snapshots'),
  };
}

/** Mulberry32: small, and the same for the same seed. */
function generator(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What is referred to and not there. The two databases are read one after the other while the pull still clears away after its forerunner: looked at again. */
async function missingNow(root: string): Promise<readonly string[]> {
  for (let tries = 0; ; tries++) {
    const { missing } = checkStore(root);
    if (missing.length === 0 || tries === 200) return missing;
    await Bun.sleep(50);
  }
}
