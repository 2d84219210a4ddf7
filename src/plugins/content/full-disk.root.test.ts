import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '#base/log';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { openLocalStore } from './local-store.ts';

const scope = scopeOf('ignored');

function smallDisk(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'berth-full-'));
  const run = (...args: string[]) => {
    const { status, stderr } = spawnSync(args[0] as string, args.slice(1), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr} (this test needs root)`);
  };
  run('mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path);
  return {
    path,
    [Symbol.dispose]() {
      run('umount', path);
      rmdirSync(path);
    },
  };
}

test('a full disk is resource_exhausted, and what was acknowledged before it stays whole', async () => {
  using disk = smallDisk();
  const store = await openLocalStore(disk.path, silent);
  const first = Buffer.alloc(1 << 20, 'a');
  await using writer = await store.writer(scope, 'ref');
  await writer.write(first);
  expect(await faultOf(writer.write(Buffer.alloc(8 << 20, 'b')))).toBe('resource_exhausted');
  expect(writer.status().offset).toBe(first.length);
  expect(writer.digest()).toBe(digestOf(first));
  expect(await writer.commit(first.length, digestOf(first))).toBe(digestOf(first));
  expect(readdirSync(join(disk.path, 'ingest'))).toEqual([]);
});

test('an ingest that finds no room leaves nothing behind, and later ones go on', async () => {
  using disk = smallDisk();
  const store = await openLocalStore(disk.path, silent);
  {
    await using filler = await store.writer(scope, 'filler');
    const block = Buffer.alloc(64 << 10);
    while ((await faultOf(filler.write(block))) === 'none');
    while ((await faultOf(filler.write(block.subarray(0, 4096)))) === 'none');
    expect(await faultOf(store.writer(scope, 'more'))).toBe('resource_exhausted');
    expect((await store.statuses(scope)).map(({ ref }) => ref)).toEqual(['filler']);
  }
  await store.abort(scope, 'filler');
  await using writer = await store.writer(scope, 'more');
  await writer.write(Buffer.from('x'));
  expect(await writer.commit(1, undefined)).toBe(digestOf('x'));
});
