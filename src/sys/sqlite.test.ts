import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { classOf } from '#base/errors';
import { SmallDatabase } from './sqlite.ts';

const schema = 'CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b TEXT NOT NULL)';
const all = (db: SmallDatabase) => db.rows<{ a: number; b: string }>('SELECT a, b FROM t ORDER BY a');

test('a change is whole or not at all, and there again after opening anew without a close', async () => {
  const dir = mkdtempSync('/tmp/berth-sqlite-');
  const path = join(dir, 'x.db');
  await using db = await SmallDatabase.open(path, schema);
  await db.write((run) => {
    expect(run('INSERT INTO t VALUES (1, ?)', 'one')).toBe(1);
    run('INSERT INTO t VALUES (2, ?)', 'two');
  });
  const broken = db.write((run) => {
    run('DELETE FROM t');
    run('INSERT INTO t VALUES (3, NULL)');
  });
  expect(await broken.then(() => 'none', classOf)).toBe('unknown');
  expect(all(db)).toEqual([
    { a: 1, b: 'one' },
    { a: 2, b: 'two' },
  ]);
  await using again = await SmallDatabase.open(path, schema);
  expect(all(again)).toEqual(all(db));
  rmSync(dir, { recursive: true });
});

test('many changes at once are all acknowledged', async () => {
  const dir = mkdtempSync('/tmp/berth-sqlite-');
  await using db = await SmallDatabase.open(join(dir, 'x.db'), schema);
  await Promise.all(
    Array.from({ length: 500 }, (_, i) => db.write((run) => void run('INSERT INTO t VALUES (?, ?)', i, ''))),
  );
  expect(all(db).length).toBe(500);
  await db.flush();
  rmSync(dir, { recursive: true });
});

test('a file that is no database is refused with its path', async () => {
  const dir = mkdtempSync('/tmp/berth-sqlite-');
  const path = join(dir, 'x.db');
  writeFileSync(path, 'not a database, but long enough to look like one '.repeat(100));
  await expect(SmallDatabase.open(path, schema)).rejects.toThrow(`database ${path}: `);
  rmSync(dir, { recursive: true });
});
