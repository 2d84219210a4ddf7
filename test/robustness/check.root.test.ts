import { afterAll, beforeAll, expect, test } from 'bun:test';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContainer } from '#client/container';
import { containerd } from '#cmd/containerd/program';
import { type Finding, findingKinds } from '#core/check/findings';
import { startBusyboxDaemon } from '#test/support/busybox-daemon';
import { runProgramForTest } from '#test/support/run-program';
import { copyOfStore, damages, leftovers } from '#test/support/store-damages';

const open = new DisposableStack();
/** A store with an image, a container with its root file system, a lease and an ingest, at rest. */
let model = '';
let blobs: { readonly layer: string; readonly manifest: string };
let namespace = '';

beforeAll(async () => {
  model = mkdtempSync('/dev/shm/berth-check-');
  open.defer(() => rmSync(model, { recursive: true, force: true }));
  await using on = await startBusyboxDaemon({ parent: '/dev/shm' });
  const { client, scope } = on;
  namespace = scope.namespace;
  const image = await client.images.get(scope, 'busybox');
  await createContainer(client, scope, image, { id: 'c' });
  const native = await client.snapshotter(scope, 'native');
  await native.prepare(scope, 'n1', '', { labels: { 'containerd.io/gc.root': '1' } });
  await native.commit(scope, 'base', 'n1', { labels: { 'containerd.io/gc.root': '1' } });
  await client.leases.create(scope, { id: 'l', labels: {} });
  await client.leases.addResource(scope, 'l', { type: 'content', id: image.target.digest });
  {
    await using writer = await client.content.writer(scope, 'half');
    await writer.write(Buffer.from('half'));
  }
  await client.images.delete(scope, 'none', { sync: true }).catch(() => {});
  let layer = '';
  for await (const { digest, size } of client.content.walk(scope)) if (size > 100_000) layer = digest;
  blobs = { layer, manifest: image.target.digest };
  await on.daemon.kill();
  cpSync(on.daemon.root, model, { recursive: true, force: true, verbatimSymlinks: true });
  await client.containers.list(scope).catch(() => {});
}, 120_000);
afterAll(() => open.dispose());

async function check(
  root: string,
  ...flags: string[]
): Promise<{ readonly code: number; readonly findings: Finding[] }> {
  const ran = await runProgramForTest(containerd(''), [
    '-c',
    '/dev/null',
    '--root',
    root,
    '--state',
    join(root, 'state'),
    'check',
    '--json',
    ...flags,
  ]);
  const lines = ran.out.split('\n').filter((line) => line !== '');
  return { code: ran.code, findings: lines.map((line) => JSON.parse(line) as Finding) };
}

const kindsOf = ({ findings }: { readonly findings: readonly Finding[] }) =>
  [...new Set(findings.map(({ kind }) => kind))].sort();

test('a sound store is sound, and a check changes nothing in it', async () => {
  using store = copyOfStore(model, blobs);
  const listing = () =>
    readdirSync(store.root, { recursive: true, encoding: 'utf8' })
      .filter((name) => !/-(shm|wal)$|daemon\.lock$/.test(name))
      .sort();
  const before = listing();
  expect(await check(store.root, '--deep')).toEqual({ code: 0, findings: [] });
  expect(await check(store.root, '--repair', '--deep')).toEqual({ code: 0, findings: [] });
  expect(listing()).toEqual(before);
});

for (const [what, damage] of Object.entries({ ...damages, ...leftovers })) {
  test(`${what}: that is found, told, and mended if it can be`, async () => {
    using store = copyOfStore(model, blobs);
    damage.do(store);
    const { of, also = [], flags = [], unmendable = false, keeps = false } = damage;
    const isDamage = findingKinds[of][0] === 'damage';
    const first = await check(store.root, ...flags);
    expect(kindsOf(first)).toContain(of);
    expect(first.code).toBe(isDamage ? 2 : 0);
    expect(first.findings.every(({ repaired }) => !repaired)).toBe(true);
    const again = await check(store.root, ...flags);
    expect(again).toEqual(first);
    const mended = await check(store.root, '--repair', ...flags);
    expect(kindsOf(mended)).toContain(of);
    for (const kind of kindsOf(mended)) expect([of, ...also]).toContain(kind);
    expect(mended.code).toBe(isDamage ? (unmendable ? 4 : 3) : 0);
    for (const { repaired, repair, kind } of mended.findings)
      if (kind === of)
        expect([repaired, typeof repair]).toEqual(unmendable || keeps ? [false, 'undefined'] : [true, 'string']);
    if (unmendable || keeps) return;
    const after = await check(store.root, ...flags);
    expect(after.code).toBe(0);
    for (const { severity, kind } of after.findings)
      expect([severity, kind]).toEqual(['note', expect.stringMatching(/incomplete/)]);
  });
}

test('nothing is removed without a word: users of what is lost are named, and what containers wrote is put aside', async () => {
  using store = copyOfStore(model, blobs);
  const { overlay } = store;
  const ids = readdirSync(join(overlay, 'snapshots'))
    .map(Number)
    .sort((a, b) => a - b);
  const [lowest = 0, top = 0] = [ids[0], ids.at(-1)];
  rmSync(join(overlay, 'snapshots', String(lowest)), { recursive: true });
  writeFileSync(join(overlay, 'snapshots', String(top), 'fs/written'), 'by a container');
  const { findings } = await check(store.root, '--repair');
  const [finding] = findings;
  expect(finding?.repair).toContain(`the root file system of container c (${namespace})`);
  expect(existsSync(join(overlay, 'damaged', String(top), 'fs/written'))).toBe(true);
  rmSync(store.blob(blobs.layer));
  expect((await check(store.root)).findings[0]?.repair).toContain(`image busybox (${namespace})`);
});

test('where records are gone, trees that may be theirs are put aside', async () => {
  using store = copyOfStore(model, blobs);
  const { overlay } = store;
  const top = readdirSync(join(overlay, 'snapshots'))
    .map(Number)
    .sort((a, b) => a - b)
    .at(-1);
  writeFileSync(join(overlay, 'snapshots', String(top), 'fs/written'), 'by a container');
  mkdirSync(join(overlay, 'damaged', String(top)), { recursive: true });
  store.sql(join(overlay, 'metadata.db'), 'PRAGMA foreign_keys = OFF', 'DELETE FROM snapshots');
  expect((await check(store.root, '--repair')).code).toBe(3);
  expect(existsSync(join(overlay, 'damaged', `${top}.1`, 'fs/written'))).toBe(true);
  expect((await check(store.root)).code).toBe(0);
});

test('a blob that is whole stays one, whatever its row says of its size', async () => {
  using store = copyOfStore(model, blobs);
  const { manifest, layer } = store;
  store.sql(store.meta, `UPDATE blobs SET size = -1 WHERE digest = '${manifest}'`);
  store.sql(store.meta, `UPDATE blobs SET size = size + 1 WHERE digest = '${layer}'`);
  const { findings } = await check(store.root, '--repair');
  expect(findings.map(({ kind, repair }) => [kind, repair])).toEqual([
    ['blob-size-differs', 'take the size of the file'],
    ['blob-size-differs', 'take the size of the file'],
  ]);
  expect([existsSync(store.blob(manifest)), existsSync(store.blob(layer))]).toEqual([true, true]);
  expect(await check(store.root, '--deep')).toEqual({ code: 0, findings: [] });
});

test('a store that somebody has is left alone, and so is one that is not there', async () => {
  await using on = await startBusyboxDaemon({ parent: '/dev/shm' });
  const run = (root: string, ...more: string[]) =>
    runProgramForTest(containerd(''), [
      '-c',
      '/dev/null',
      '--root',
      root,
      '--state',
      `${root}/state`,
      'check',
      ...more,
    ]);
  expect(await run(on.daemon.root, '--repair')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/in use by another daemon \(pid \d+\)/),
  });
  expect(await run('/no/such/root')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/root \/no\/such\/root: not found/),
  });
  expect(existsSync('/no')).toBe(false);
  await on.daemon.kill('SIGKILL');
  expect(await run(on.daemon.root)).toMatchObject({ code: 0, out: expect.stringMatching(/0 damages, /) });
  await on.daemon.start();
}, 120_000);

test('a repaired store serves again', async () => {
  await using on = await startBusyboxDaemon({ parent: '/dev/shm' });
  const { daemon, client, scope } = on;
  const { digest } = (await client.images.get(scope, 'busybox')).target;
  await daemon.kill();
  rmSync(join(daemon.root, 'io.containerd.content.v1.content/blobs', digest.replace(':', '/')));
  rmSync(join(daemon.root, 'io.containerd.snapshotter.v1.overlayfs/snapshots/1'), { recursive: true });
  expect((await check(daemon.root, '--repair')).code).toBe(3);
  await daemon.start();
  expect((await client.images.list(scope)).length).toBe(1);
  await client.images.delete(scope, 'busybox', { sync: true });
  await daemon.kill();
  expect(await check(daemon.root, '--deep')).toEqual({ code: 0, findings: [] });
  await daemon.start();
}, 120_000);
