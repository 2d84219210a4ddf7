import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { deferAsync } from '#base/disposal';
import { silent } from '#base/log';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { openLocalStore } from '#plugins/content/local-store';
import { openTestDatabase } from './database.fixture.ts';
import { MetaDatabase } from './database.ts';
import { SqliteImages } from './images.ts';
import { openMetadata } from './open-metadata.ts';

const scope = scopeOf('crash');
const writer = new URL('./crash-writer.fixture.ts', import.meta.url).pathname;

/** Runs the writer for a while, kills it, and gives what it said. */
async function killedAfter(ms: number, dir: string, first: number): Promise<string[]> {
  const child = spawn(process.execPath, [writer, dir, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  const ended = once(child, 'close');
  while (text === '' && child.exitCode === null) await setTimeout(2);
  await setTimeout(ms);
  child.kill('SIGKILL');
  const [, signal] = (await ended) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return text.split('\n').slice(0, -1);
}

const integrityOf = (path: string): unknown => {
  using db = new Database(path, { readwrite: true });
  using statement = db.prepare('PRAGMA integrity_check');
  return statement.values()[0]?.[0];
};

test('kill -9 in the middle of it: what was acknowledged is there, and a collection leaves neither orphans nor holes', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-crash-'));
  await using _ = deferAsync(async () => rmSync(dir, { recursive: true, force: true }));
  const alive = new Set<number>();
  let next = 0;
  for (let round = 0; round < 8; round++) {
    const lines = await killedAfter(3 + ((round * 37) % 90), dir, next);
    for (const line of lines) {
      const [what, n] = line.split(' ');
      if (what === 'made') alive.add(Number(n));
      else alive.delete(Number(n));
      next = Math.max(next, Number(n) + 1);
    }
    // Whatever it was at when it died may have been done or not; the next round keeps off it.
    next += 2;
    expect(integrityOf(join(dir, 'meta.sqlite'))).toBe('ok');
    const content = await openLocalStore(join(dir, 'content'), silent);
    await using metadata = await openMetadata(join(dir, 'meta.sqlite'), {
      ...{ content, events: { publish: async () => {} }, log: silent, policy: 'shared' },
      snapshotters: new Map(),
    });
    for (const when of ['before', 'after']) {
      for (const n of alive) {
        const { target } = await metadata.images.get(scope, `image-${n}`);
        await using reader = await metadata.content.open(scope, target.digest);
        expect([when, n, digestOf(await reader.read(0, reader.size))]).toEqual([when, n, digestOf(`content ${n}`)]);
      }
      // An ingest that was cut short would keep its blob, for whoever takes it up.
      for (const { ref } of await metadata.content.statuses(scope)) await metadata.content.abort(scope, ref);
      if (when === 'before') await metadata.collect(scope.signal);
    }
    const files = new Set<string>();
    for await (const { digest } of content.walk(scope)) files.add(digest);
    const named = new Set((await metadata.images.list(scope)).map(({ target }) => target.digest as string));
    // At most the one image that was being made when the process died is not among the acknowledged.
    expect([...files].filter((digest) => !named.has(digest))).toEqual([]);
    expect([...named].filter((digest) => !files.has(digest))).toEqual([]);
  }
  expect(alive.size).toBeGreaterThan(4);
}, 120_000);

test('a log whose end is torn or rubbish opens with what was whole', async () => {
  await using opened = await openTestDatabase();
  const images = new SqliteImages(opened.db);
  const target = { mediaType: 'm', digest: digestOf('x'), size: 1 };
  for (let n = 0; n < 50; n++) await images.create(scope, { name: `image-${100 + n}`, target, labels: {} });
  const size = statSync(`${opened.path}-wal`).size;
  let most = 0;
  for (let cut = 0; cut <= size; cut += 4999) {
    const copy = join(opened.dir, 'copy.sqlite');
    copyFileSync(opened.path, copy);
    copyFileSync(`${opened.path}-wal`, `${copy}-wal`);
    rmSync(`${copy}-shm`, { force: true }); // as after a power cut
    truncateSync(`${copy}-wal`, cut);
    if (cut % 2 === 1) appendFileSync(`${copy}-wal`, Buffer.alloc(7000, cut));
    await using db = await MetaDatabase.open(copy, { log: silent });
    const found = (await new SqliteImages(db).list(scope)).map(({ name }) => name);
    // A prefix of the history, never a hole in it.
    expect(found).toEqual(Array.from({ length: found.length }, (_, n) => `image-${100 + n}`));
    expect(db.row('PRAGMA integrity_check')).toEqual(['ok']);
    expect(found.length).toBeGreaterThanOrEqual(most);
    most = found.length;
    await new SqliteImages(db).create(scope, { name: 'more', target, labels: {} });
  }
  expect(most).toBeGreaterThan(40);
});

test('checkpoints run beside the writers, lose nothing and start the log anew', async () => {
  await using opened = await openTestDatabase();
  const images = new SqliteImages(opened.db);
  const target = { mediaType: 'm', digest: digestOf('x'), size: 1 };
  let made = 0;
  const write = async (count: number) => {
    for (let n = 0; n < count; n++)
      await images.create(scope, { name: `image-${made++}`, target, labels: { k: 'x'.repeat(3000) } });
  };
  await write(200);
  const before = statSync(`${opened.path}-wal`).size;
  for (let round = 0; round < 3; round++) await Promise.all([opened.db.checkpoint(), write(60)]);
  await write(20);
  const [checkpoints] = opened.db.row<[number]>(`SELECT value FROM counters WHERE name = 'checkpoint'`) ?? [0];
  expect(checkpoints).toBe(3);
  expect((await images.list(scope)).length).toBe(made);
  expect(statSync(`${opened.path}-wal`).size).toBeLessThan(before * 2);
  expect(opened.db.row('PRAGMA integrity_check')).toEqual(['ok']);
});

test('a file from the future, or one that is no database, is refused with its name', async () => {
  await using opened = await openTestDatabase();
  const path = join(opened.dir, 'other.sqlite');
  const db = new Database(path, { create: true });
  db.run('PRAGMA user_version = 999');
  db.close();
  expect(await faultOf(MetaDatabase.open(path, { log: silent }))).toBe('failed_precondition');
  writeFileSync(join(opened.dir, 'rubbish.sqlite'), Buffer.alloc(10_000, 'rubbish'));
  const refused = MetaDatabase.open(join(opened.dir, 'rubbish.sqlite'), { log: silent });
  expect(
    await refused.then(
      () => '',
      (thrown: Error) => thrown.message,
    ),
  ).toContain('rubbish.sqlite');
});

test('a disk that does not take the log makes every later write fail', async () => {
  await using opened = await openTestDatabase();
  const images = new SqliteImages(opened.db);
  const image = { name: 'a', target: { mediaType: 'm', digest: digestOf('x'), size: 1 }, labels: {} };
  await images.create(scope, image);
  // Closing the descriptor makes the next sync fail, as a broken disk would.
  const { WalSync } = await import('./wal-sync.ts');
  const sync = await WalSync.open(`${opened.path}-wal`);
  await sync.flush();
  await sync.close();
  expect(await faultOf(sync.flush())).toBe('unavailable');
  expect(sync.failed()).toBe(true);
  expect(await faultOf(sync.flush())).toBe('unavailable');
});
