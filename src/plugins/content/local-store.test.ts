import { expect, test } from 'bun:test';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defer } from '#base/disposal';
import { silent } from '#base/log';
import { contentStoreSuite, ingest } from '#core/content/content.suite';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf, encodedOf } from '#lib/digest';
import { openLocalStore } from './local-store.ts';

const scope = scopeOf('ignored');

function directory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'berth-content-'));
  return { path, ...defer(() => rmSync(path, { recursive: true, force: true })) };
}

contentStoreSuite(
  'files',
  async () => {
    const dir = directory();
    return { store: await openLocalStore(dir.path, silent), [Symbol.asyncDispose]: async () => dir[Symbol.dispose]() };
  },
  { namespaced: false, labels: false },
);

test('a blob is a read-only file named by its digest, and its ingest is gone', async () => {
  using dir = directory();
  const store = await openLocalStore(dir.path, silent);
  const digest = await ingest(store, 'abc');
  const path = join(dir.path, 'blobs/sha256', encodedOf(digest));
  expect(readFileSync(path, 'utf8')).toBe('abc');
  expect(statSync(path).mode & 0o777).toBe(0o444);
  expect(readdirSync(join(dir.path, 'ingest'))).toEqual([]);
  await using reader = await store.open(scope, digest);
  expect(reader.path).toBe(path);
});

test('an ingest outlives the store, and is rehashed by the next', async () => {
  using dir = directory();
  const before = await openLocalStore(dir.path, silent);
  // Still open when the next store takes over, as if the process had died.
  await using left = await before.writer(scope, 'ref', { total: 6 });
  await left.write(Buffer.from('abc'));
  expect(readFileSync(left.path as string, 'utf8')).toBe('abc');
  const store = await openLocalStore(dir.path, silent);
  expect(await store.status(scope, 'ref')).toMatchObject({ ref: 'ref', offset: 3, total: 6 });
  await using writer = await store.writer(scope, 'ref');
  expect(writer.digest()).toBe(digestOf('abc'));
  await writer.write(Buffer.from('def'));
  expect(await writer.commit(6, digestOf('abcdef'))).toBe(digestOf('abcdef'));
});

test('remains of ingests are tolerated: those without a ref go, those without more are taken up', async () => {
  using dir = directory();
  let store = await openLocalStore(dir.path, silent);
  for (const ref of ['bare', 'broken', 'nameless']) {
    await using writer = await store.writer(scope, ref);
    await writer.write(Buffer.from('x'));
  }
  const pathOf = (ref: string, file: string) => join(dir.path, 'ingest', encodedOf(digestOf(ref)), file);
  for (const file of ['data', 'startedat', 'updatedat', 'total']) unlinkSync(pathOf('bare', file));
  for (const file of ['startedat', 'updatedat', 'total']) writeFileSync(pathOf('broken', file), 'rubbish\0');
  writeFileSync(pathOf('nameless', 'ref'), '');
  mkdirSync(join(dir.path, 'ingest', 'empty'));
  writeFileSync(join(dir.path, 'ingest', 'file'), 'not a directory');
  store = await openLocalStore(dir.path, silent);
  const found = (await store.statuses(scope)).map(({ ref, offset, total }) => ({ ref, offset, total }));
  expect(found.sort((a, b) => (a.ref < b.ref ? -1 : 1))).toEqual([
    { ref: 'bare', offset: 0, total: 0 },
    { ref: 'broken', offset: 1, total: 0 },
  ]);
  expect(readdirSync(join(dir.path, 'ingest')).length).toBe(2);
  await using writer = await store.writer(scope, 'bare');
  await writer.write(Buffer.from('y'));
  await writer.commit(1, undefined);
});

test('an ingest for a blob that is there is told at once', async () => {
  using dir = directory();
  const store = await openLocalStore(dir.path, silent);
  const digest = await ingest(store, 'x');
  expect(await faultOf(store.writer(scope, 'again', { expected: digest }))).toBe('already_exists');
  expect(await store.statuses(scope)).toEqual([]);
});

test('a big write lets others run in between, often', async () => {
  using dir = directory();
  const store = await openLocalStore(dir.path, silent);
  await using writer = await store.writer(scope, 'ref');
  const data = Buffer.alloc(128 << 20, 1);
  let turns = 0;
  let over = false;
  const turn = () => {
    turns++;
    if (!over) setImmediate(turn);
  };
  turn();
  await writer.write(data);
  over = true;
  // It is hashed in 256 pieces.
  expect(turns).toBeGreaterThan(200);
});
