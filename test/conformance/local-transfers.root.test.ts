import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, openClient } from '#client/client';
import { scopeOf } from '#core/scope';
import { busyboxImage } from '#test/support/busybox-image';
import { type Finished, run } from '#test/support/daemon';
import { DockerRegistry } from '#test/support/docker-registry';
import { writeOciArchive } from '#test/support/oci-archive';
import { PeerContainerd } from '#test/support/peer-containerd';
import { sampleImage } from '#test/support/sample-image';

// Debian's containerd knows no transfers: both ctrs fetch and send by themselves. What stands in the store afterwards must be the same.

const main = new URL('../../src/main.ts', import.meta.url).pathname;
const archiveName = 'docker.io/library/several:1';
const open = new AsyncDisposableStack();
let theirs: PeerContainerd;
let ours: PeerContainerd;
let registry: DockerRegistry;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync('/dev/shm/berth-local-transfers-');
  open.defer(() => rmSync(directory, { recursive: true }));
  theirs = open.use(await PeerContainerd.start({ parent: '/dev/shm' }));
  ours = open.use(await PeerContainerd.start({ parent: '/dev/shm' }));
  registry = open.use(await DockerRegistry.start('/dev/shm'));
  const image = busyboxImage();
  writeOciArchive(join(directory, 'several.tar'), archiveName, {
    'linux/amd64': image,
    'linux/arm64': sampleImage(image.layers, { architecture: 'arm64' }),
  });
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

const ctrs = {
  theirs: (...args: readonly string[]) => run('/usr/bin/ctr', ['-a', theirs.address, ...args]),
  ours: (...args: readonly string[]) => run(process.execPath, [main, 'ctr', '-a', ours.address, ...args]),
};

/** Both do the same, and must succeed. */
async function both(...args: readonly string[]): Promise<readonly Finished[]> {
  const finished = [await ctrs.theirs(...args), await ctrs.ours(...args)];
  for (const { code, stderr } of finished) expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, stderr]);
  return finished;
}

/** Whatever a client may have left. Leases go with the collection that their end begins. */
async function storeOf(client: Client): Promise<unknown> {
  const scope = scopeOf('default');
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  const sorted = <T extends object>(rows: readonly T[]) => rows.map((row) => JSON.stringify(row)).sort();
  return {
    // Theirs keeps what the archive's index noted beside the descriptor, for imported images only.
    images: sorted(
      (await client.images.list(scope)).map(({ name, target: { annotations: _, ...target }, labels }) => ({
        name,
        target,
        labels,
      })),
    ),
    content: sorted(
      (await Array.fromAsync(client.content.walk(scope))).map(({ digest, size, labels }) => ({
        digest,
        size,
        labels: Object.entries(labels).sort(),
      })),
    ),
    ingests: await client.content.statuses(scope),
    snapshots: sorted(
      (await Array.fromAsync(snapshotter.walk(scope))).map(({ name, parent, kind, labels }) => ({
        name,
        parent,
        kind,
        // Their ctr unpacks behind its own unpacker's back, which would note this: for snapshotters that find layers by themselves.
        labels: Object.entries(labels).filter(([key]) => key !== 'containerd.io/snapshot.ref'),
      })),
    ),
    leases: await client.leases.list(scope),
  };
}

async function expectSameStores(): Promise<void> {
  await using their = openClient(theirs.address);
  await using our = openClient(ours.address);
  expect(await storeOf(our)).toEqual(await storeOf(their));
}

const remote = (name: string) => `${registry.host}/lib/${name}`;

test('import, tag and push leave the same', async () => {
  await both('images', 'import', '--all-platforms', join(directory, 'several.tar'));
  await both('images', 'tag', archiveName, remote('several:1'));
  await both('images', 'push', '--plain-http', remote('several:1'));
}, 120_000);

test('so do pulls: one platform, all of them, metadata, and what is there already', async () => {
  await both('images', 'rm', '--sync', archiveName, remote('several:1'));
  await expectSameStores();
  await both('images', 'pull', '--plain-http', remote('several:1'));
  await expectSameStores();
  await both('content', 'fetch', '--plain-http', '--all-platforms', remote('several:1'));
  await expectSameStores();
  await both('images', 'rm', '--sync', remote('several:1'));
  await both('content', 'fetch', '--plain-http', '--all-metadata', '--label', 'colour=blue', remote('several:1'));
  await expectSameStores();
}, 120_000);

test('what one exports, the other takes in', async () => {
  await both('images', 'pull', '--plain-http', '--all-platforms', remote('several:1'));
  for (const [from, to] of [
    ['theirs', 'ours'],
    ['ours', 'theirs'],
  ] as const) {
    const archive = join(directory, `${from}.tar`);
    expect(await ctrs[from]('images', 'export', '--all-platforms', archive, remote('several:1'))).toMatchObject({
      code: 0,
    });
    expect(await ctrs[to]('-n', 'crossed', 'images', 'import', '--all-platforms', archive)).toMatchObject({ code: 0 });
    const listed = await ctrs[to]('-n', 'crossed', 'images', 'check');
    expect(listed.stdout).toMatch(/several:1.*complete \(2\/2\)/);
  }
}, 120_000);

test('a blob that is not what its digest says is refused, and does not hinder the next attempt', async () => {
  // What another namespace has would be taken from there.
  for (const namespace of ['default', 'crossed']) {
    const { stdout } = await ctrs.ours('-n', namespace, 'images', 'ls', '-q');
    await ctrs.ours('-n', namespace, 'images', 'rm', '--sync', ...stdout.trim().split('\n'));
  }
  const stored = join(registry.directory, 'data');
  const [layer = ''] = readdirSync(stored, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('/data') && statSync(join(stored, name)).size > 1_000_000)
    .map((name) => join(stored, name));
  const good = readFileSync(layer);
  const bad = Uint8Array.from(good);
  bad[500_000] = (bad[500_000] as number) ^ 1;
  writeFileSync(layer, bad);
  const pull = () => ctrs.ours('-n', 'damaged', 'images', 'pull', '--plain-http', remote('several:1'));
  const { code, stderr } = await pull();
  expect([code, stderr]).toEqual([1, expect.stringMatching(/digest/)]);
  await using client = openClient(ours.address);
  const scope = scopeOf('damaged');
  expect(await client.content.statuses(scope)).toEqual([]);
  expect([await client.images.list(scope), await client.leases.list(scope)]).toEqual([[], []]);
  writeFileSync(layer, good);
  expect(await pull()).toMatchObject({ code: 0 });
}, 120_000);

test('a pull that fails names the reason and leaves no ingest', async () => {
  const { code, stderr } = await ctrs.ours('images', 'pull', '--plain-http', remote('absent:1'));
  expect([code, stderr]).toEqual([1, expect.stringContaining(`${remote('absent:1')}: not found`)]);
  const unknown = await ctrs.ours('images', 'pull', '--plain-http', '--snapshotter', 'nonesuch', remote('several:1'));
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('nonesuch')]);
  await using client = openClient(ours.address);
  expect(await client.content.statuses(scopeOf('default'))).toEqual([]);
}, 120_000);
