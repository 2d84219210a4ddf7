import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { deferAsync } from '#base/disposal';
import { silent } from '#base/log';
import { memoryContent } from '#core/content/memory';
import { gcFlags } from '#core/gc/references';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { asBackend } from './metadata.fixture.ts';
import { openMetadata } from './open-metadata.ts';
import { migrate, schemaVersion } from './schema.ts';

const scope = scopeOf('old');
const firstVersion = readFileSync(join(import.meta.dirname, 'version-1.fixture.sql'), 'utf8');

async function oldDatabase() {
  const dir = mkdtempSync('/dev/shm/berth-schema-');
  const path = join(dir, 'meta.sqlite');
  using db = new Database(path, { create: true });
  db.exec(firstVersion);
  return { path, ...deferAsync(async () => rmSync(dir, { recursive: true, force: true })) };
}

const open = (path: string) =>
  openMetadata(path, {
    ...{ content: asBackend(memoryContent()), events: { publish: async () => {} }, log: silent, policy: 'shared' },
    snapshotters: new Map(),
  });

const versionOf = (path: string): unknown => {
  using db = new Database(path, { readwrite: true });
  using statement = db.prepare('PRAGMA user_version');
  return statement.values()[0]?.[0];
};

/** Every table and index, as SQLite has it. */
const shapeOf = (db: Database): unknown => {
  using statement = db.prepare('SELECT type, name, sql FROM sqlite_master ORDER BY name');
  return statement.values();
};

test('a database of the first version is brought up to date with everything in it, and takes what is new', async () => {
  await using old = await oldDatabase();
  const sandbox = { id: 'box', labels: {}, runtime: { name: 'r' }, sandboxer: 'shim', extensions: {} };
  {
    await using metadata = await open(old.path);
    expect(await metadata.namespaces.list()).toEqual([{ name: 'old', labels: { since: 'before' } }]);
    expect((await metadata.images.list(scope)).map(({ name, labels }) => [name, labels])).toEqual([
      ['docker.io/library/a:1', { k: 'v' }],
    ]);
    const container = await metadata.containers.get(scope, 'c');
    expect(container).toMatchObject({
      sandboxId: 'box',
      labels: { k: 'v' },
      runtime: { name: 'io.containerd.runc.v2' },
    });
    expect(Buffer.from(container.extensions.e?.value ?? []).toString()).toBe('v');
    expect((await metadata.leases.listResources(scope, 'l')).length).toBe(1);
    expect(await metadata.sandboxes.list(scope)).toEqual([]);
    await metadata.sandboxes.create(scope, sandbox);
  }
  await using again = await open(old.path);
  expect(await again.sandboxes.get(scope, 'box')).toMatchObject(sandbox);
  expect(versionOf(old.path)).toBe(schemaVersion);
});

test('what collections read instead of labels is brought up to date with them', () => {
  using db = new Database(':memory:');
  db.exec(firstVersion);
  const blobs: Readonly<Record<string, string>> = {
    a: '{"containerd.io/gc.root.mine":"1"}',
    b: '{"containerd.io/gc.cond.snapshot.overlayfs":"usedat<24h|k"}',
    c: '{"note":"\\"containerd.io/gc.root"}',
    d: '{"containerd.io/gc.root',
  };
  for (const [digest, labels] of Object.entries(blobs))
    db.run(`INSERT INTO blobs VALUES ('old', ?, 1, ?, 0, 0, 0, 0, 0)`, [digest, labels]);
  db.run(`INSERT INTO snapshots VALUES ('old', 's', 'n', 'k', '', 'active', ?, 2, 0, 0, 0, 0, NULL)`, [
    '{"containerd.io/gc.rootless":"","containerd.io/gc.bref.image":"i"}',
  ]);
  migrate(db);
  using found = db.prepare('SELECT digest, gc FROM blobs UNION ALL SELECT name, gc FROM snapshots ORDER BY 1');
  expect(found.values()).toEqual([
    ['a', 1],
    ['b', 4],
    ['c', 0],
    ['d', 0],
    ['n', 3],
  ]);
  const rest = ['a', 'b', 'c'].map((digest) => gcFlags(JSON.parse(blobs[digest] as string)));
  expect(rest).toEqual([1, 4, 0]);
});

test('a migrated database has the shape of a new one', async () => {
  using migrated = new Database(':memory:');
  migrated.exec(firstVersion);
  migrate(migrated);
  using fresh = new Database(':memory:');
  migrate(fresh);
  expect(shapeOf(migrated)).toEqual(shapeOf(fresh));
});

test('a database of a later version is refused and not touched', async () => {
  await using old = await oldDatabase();
  {
    using db = new Database(old.path);
    db.run('PRAGMA user_version = 99');
  }
  expect(await faultOf(open(old.path))).toBe('failed_precondition');
  expect(versionOf(old.path)).toBe(99);
});
