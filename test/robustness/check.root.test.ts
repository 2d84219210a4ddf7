import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, expect, test } from 'bun:test';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createContainer } from '#client/container';
import { containerd } from '#cmd/containerd/program';
import { type Finding, type FindingKind, findingKinds } from '#core/check/findings';
import { digestOf } from '#lib/digest';
import { startBusyboxDaemon } from '#test/support/busybox-daemon';
import { runProgramForTest } from '#test/support/run-program';

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
}, 60_000);
afterAll(() => open.dispose());

interface Store extends Disposable {
  readonly root: string;
  readonly meta: string;
  readonly overlay: string;
  path(...parts: string[]): string;
  blob(digest: string): string;
  sql(file: string, ...statements: string[]): void;
}

function copyOfModel(): Store {
  const root = mkdtempSync('/dev/shm/berth-check-');
  cpSync(model, root, { recursive: true, force: true, verbatimSymlinks: true });
  const path = (...parts: string[]) => join(root, ...parts);
  return {
    root,
    path,
    meta: path('io.containerd.metadata.v1.bolt/meta.sqlite'),
    overlay: path('io.containerd.snapshotter.v1.overlayfs'),
    blob: (digest) => path('io.containerd.content.v1.content/blobs', digest.replace(':', '/')),
    sql(file, ...statements) {
      using db = new Database(file, { readwrite: true, create: false });
      for (const statement of statements) db.run(statement);
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

async function check(
  root: string,
  ...flags: string[]
): Promise<{ readonly code: number; readonly findings: Finding[] }> {
  const ran = await runProgramForTest(containerd(''), ['-c', '/dev/null', '--root', root, 'check', '--json', ...flags]);
  const lines = ran.out.split('\n').filter((line) => line !== '');
  return { code: ran.code, findings: lines.map((line) => JSON.parse(line) as Finding) };
}

const kindsOf = ({ findings }: { readonly findings: readonly Finding[] }) =>
  [...new Set(findings.map(({ kind }) => kind))].sort();

function removeDatabase(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
}

const snapshotRow = (where: string) => `UPDATE snapshots SET ${where}`;

/** What was done to a store, and all that a check must then find. `unmendable`: some of it stays after a repair. */
interface Damage {
  readonly of: FindingKind;
  readonly also?: readonly FindingKind[];
  readonly flags?: readonly string[];
  readonly unmendable?: boolean;
  /** The daemon does it, and a repair leaves it to the daemon. */
  readonly keeps?: boolean;
  do(store: Store): void;
}

const damages: Readonly<Record<string, Damage>> = {
  'the metadata are gone': {
    of: 'database-missing',
    unmendable: true,
    do: ({ meta }) => removeDatabase(meta),
  },
  'the metadata are rubbish': {
    of: 'database-damaged',
    unmendable: true,
    do: ({ meta }) => {
      removeDatabase(meta);
      writeFileSync(meta, 'rubbish'.repeat(5000));
    },
  },
  "a snapshotter's records are cut off": {
    of: 'database-damaged',
    unmendable: true,
    do: ({ overlay }) => {
      for (const end of ['-wal', '-shm']) rmSync(join(overlay, `metadata.db${end}`), { force: true });
      truncateSync(join(overlay, 'metadata.db'), 5000);
    },
  },
  "a snapshotter's records are gone": {
    of: 'snapshot-missing',
    also: ['container-incomplete'],
    do: ({ overlay }) => removeDatabase(join(overlay, 'metadata.db')),
  },
  'a blob is gone': { of: 'blob-missing', do: ({ blob }) => rmSync(blob(blobs.layer)) },
  'a manifest is gone': {
    of: 'blob-missing',
    also: ['image-incomplete'],
    do: ({ blob }) => rmSync(blob(blobs.manifest)),
  },
  'a blob is cut off': { of: 'blob-size-differs', do: ({ blob }) => truncateSync(blob(blobs.layer), 10) },
  'a blob is a directory': {
    of: 'blob-size-differs',
    do({ blob }) {
      rmSync(blob(blobs.layer));
      mkdirSync(blob(blobs.layer));
    },
  },
  'a blob has other bytes': {
    of: 'blob-corrupt',
    flags: ['--deep'],
    do({ blob }) {
      chmodSync(blob(blobs.layer), 0o644);
      const fd = openSync(blob(blobs.layer), 'r+');
      writeSync(fd, 'x', 1000);
      closeSync(fd);
    },
  },
  'labels are no JSON': {
    of: 'row-malformed',
    do: ({ sql, meta }) => sql(meta, `UPDATE blobs SET labels = '{', gc = 0`),
  },
  'labels are no texts': {
    of: 'row-malformed',
    do: ({ sql, meta }) => sql(meta, `UPDATE leases SET labels = '{"a":1}'`),
  },
  'a target is no descriptor': {
    of: 'row-malformed',
    do: ({ sql, meta }) => sql(meta, `UPDATE images SET target = '[]'`),
  },
  'a size is negative': {
    of: 'row-malformed',
    also: ['blob-orphan', 'image-incomplete'],
    do: ({ sql, meta }) => sql(meta, `UPDATE blobs SET size = -1 WHERE digest = '${blobs.manifest}'`),
  },
  'extensions are no table': {
    of: 'row-malformed',
    do: ({ sql, meta }) => sql(meta, `UPDATE containers SET extensions = '{"a":"b"}'`),
  },
  'an ingest has no place': {
    of: 'row-malformed',
    also: ['ingest-orphan'],
    do: ({ sql, meta }) => sql(meta, `UPDATE ingests SET backend_ref = 'x'`),
  },
  'an ingest waits for nonsense': {
    of: 'row-malformed',
    also: ['ingest-orphan'],
    do: ({ sql, meta }) => sql(meta, `UPDATE ingests SET expected = 'x'`),
  },
  'a commit is nonsense': {
    of: 'row-malformed',
    do: ({ sql, meta }) => sql(meta, snapshotRow(`committing = '{}' WHERE name = 'c'`)),
  },
  'the collector would read something else': {
    of: 'flags-wrong',
    do: ({ sql, meta }) => sql(meta, 'UPDATE blobs SET gc = 0'),
  },
  'a namespace has no row': { of: 'namespace-missing', do: ({ sql, meta }) => sql(meta, 'DELETE FROM namespaces') },
  'an image has two digests': {
    of: 'image-digest-differs',
    do: ({ sql, meta }) => sql(meta, `UPDATE images SET digest = '${digestOf('x')}'`),
  },
  'a lease has no row': { of: 'lease-missing', do: ({ sql, meta }) => sql(meta, 'DELETE FROM leases') },
  'names would come again': {
    of: 'sequence-behind',
    do: ({ sql, meta }) => sql(meta, `UPDATE counters SET value = 0 WHERE name = 'sequence'`),
  },
  'counters are gone': { of: 'sequence-behind', do: ({ sql, meta }) => sql(meta, 'DELETE FROM counters') },
  'a snapshot is gone from the snapshotter': {
    of: 'snapshot-missing',
    also: ['snapshot-directory-orphan'],
    do: ({ sql, path }) => sql(path('io.containerd.snapshotter.v1.native/metadata.db'), 'DELETE FROM snapshots'),
  },
  'a parent is gone': {
    of: 'snapshot-parent-missing',
    do: ({ sql, meta }) => sql(meta, `DELETE FROM snapshots WHERE snapshotter = 'overlayfs' AND parent = ''`),
  },
  'a parent is not committed': {
    of: 'snapshot-differs',
    do: ({ sql, meta }) => sql(meta, snapshotRow(`kind = 'active' WHERE snapshotter = 'overlayfs' AND parent = ''`)),
  },
  'parents go in a circle': {
    of: 'snapshot-differs',
    do: ({ sql, meta }) => sql(meta, snapshotRow(`parent = name WHERE snapshotter = 'native'`)),
  },
  'a kind differs': {
    of: 'snapshot-differs',
    do: ({ sql, meta }) => sql(meta, snapshotRow(`kind = 'view' WHERE name = 'c'`)),
  },
  "a record's parent is gone": {
    of: 'snapshot-record-damaged',
    also: ['container-incomplete', 'snapshot-missing', 'snapshot-directory-orphan', 'snapshot-differs'],
    do: ({ sql, overlay }) =>
      sql(join(overlay, 'metadata.db'), 'PRAGMA foreign_keys = OFF', 'DELETE FROM snapshots WHERE parent IS NULL'),
  },
  "a record's kind is nonsense": {
    of: 'snapshot-record-damaged',
    also: ['snapshot-differs'],
    do: ({ sql, path }) => sql(path('io.containerd.snapshotter.v1.native/metadata.db'), snapshotRow(`kind = 'x'`)),
  },
  'the directory of a layer is gone': {
    of: 'snapshot-directory-missing',
    also: ['container-incomplete'],
    do: ({ overlay }) =>
      rmSync(join(overlay, 'snapshots', readdirSync(join(overlay, 'snapshots')).sort()[0] as string), {
        recursive: true,
      }),
  },
};

/** What a crash may leave: no damage, and a repair clears it away. */
const leftovers: Readonly<Record<string, Damage>> = {
  'a blob that nobody has': { of: 'blob-orphan', do: ({ blob }) => writeFileSync(blob(digestOf('x')), 'x') },
  'an ingest without a name': {
    of: 'ingest-orphan',
    do: ({ path }) => mkdirSync(path('io.containerd.content.v1.content/ingest', 'a'.repeat(64))),
  },
  'an ingest in the wrong place': {
    of: 'ingest-orphan',
    do({ path }) {
      mkdirSync(path('io.containerd.content.v1.content/ingest/b'));
      writeFileSync(path('io.containerd.content.v1.content/ingest/b/ref'), 'r');
    },
  },
  'a directory of no snapshot': {
    of: 'snapshot-directory-orphan',
    do: ({ overlay }) => mkdirSync(join(overlay, 'snapshots/999/fs'), { recursive: true }),
  },
  'a commit that was cut short': {
    of: 'commit-pending',
    keeps: true,
    do: ({ sql, meta }) =>
      sql(
        meta,
        snapshotRow(`committing = '{"name":"x","backendKey":"a/99/x","labels":{},"parent":""}' WHERE name = 'c'`),
        `UPDATE counters SET value = 99 WHERE name = 'sequence'`,
      ),
  },
  'a removal that was not done': {
    of: 'removal-pending',
    keeps: true,
    do: ({ sql, meta }) => sql(meta, `INSERT INTO doomed VALUES ('content', '${digestOf('x')}')`),
  },
  'the directory of an active snapshot is gone': {
    of: 'snapshot-directory-lost',
    keeps: true,
    do: ({ overlay }) =>
      rmSync(join(overlay, 'snapshots', readdirSync(join(overlay, 'snapshots')).sort().at(-1) as string), {
        recursive: true,
      }),
  },
  'a snapshot of no namespace': {
    of: 'snapshot-orphan',
    do: ({ sql, meta }) => sql(meta, `DELETE FROM snapshots WHERE snapshotter = 'native'`),
  },
};

test('a sound store is sound, and a check changes nothing in it', async () => {
  using store = copyOfModel();
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
    using store = copyOfModel();
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
  using store = copyOfModel();
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

test('a store that somebody has is left alone, and so is one that is not there', async () => {
  await using on = await startBusyboxDaemon({ parent: '/dev/shm' });
  const run = (root: string, ...more: string[]) =>
    runProgramForTest(containerd(''), ['-c', '/dev/null', '--root', root, 'check', ...more]);
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
}, 30_000);

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
}, 30_000);
