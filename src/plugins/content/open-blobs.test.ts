import { expect, test } from 'bun:test';
import { mkdtemp, readdir, readlink, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deferAsync } from '#base/disposal';
import { OpenBlobs } from './open-blobs.ts';

async function scratch() {
  const dir = await mkdtemp(join(tmpdir(), 'berth-open-'));
  const path = join(dir, 'blob');
  await writeFile(path, 'hello');
  return { dir, path, ...deferAsync(() => rm(dir, { recursive: true })) };
}

/** How many descriptors of this process are of files in the directory. */
async function openIn(dir: string): Promise<number> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return links.filter((link) => link.startsWith(dir)).length;
}

test('readers of one blob share a file, which is closed some time after the last', async () => {
  await using at = await scratch();
  const blobs = new OpenBlobs();
  const [a, b] = await Promise.all([blobs.hold(at.path), blobs.hold(at.path)]);
  expect([a.size, b.size, await openIn(at.dir)]).toEqual([5, 5, 1]);
  await a[Symbol.asyncDispose]();
  await a[Symbol.asyncDispose]();
  await b[Symbol.asyncDispose]();
  const again = await blobs.hold(at.path);
  expect(await openIn(at.dir)).toBe(1);
  await again[Symbol.asyncDispose]();
  const until = performance.now() + 60_000;
  while ((await openIn(at.dir)) > 0 && performance.now() < until) await Bun.sleep(50);
  expect(await openIn(at.dir)).toBe(0);
});

test('a removed blob is closed at once, or when its last reader is done, and not found again', async () => {
  await using at = await scratch();
  const blobs = new OpenBlobs();
  const reader = await blobs.hold(at.path);
  await unlink(at.path);
  await blobs.forget(at.path);
  expect(Buffer.from(await reader.read(0, 9)).toString()).toBe('hello');
  await expect(blobs.hold(at.path)).rejects.toThrow('ENOENT');
  await reader[Symbol.asyncDispose]();
  expect(await openIn(at.dir)).toBe(0);
});

test("pieces of any size, in any order, are the blob's", async () => {
  await using at = await scratch();
  const bytes = Buffer.from(Uint32Array.from({ length: 1 << 20 }, (_, i) => i).buffer);
  await writeFile(at.path, bytes);
  await using blob = await new OpenBlobs().hold(at.path);
  const pieces = async (length: number, from = 0) => {
    const all: Uint8Array[] = [];
    for (let offset = from; offset < blob.size; offset += length) all.push(await blob.read(offset, length));
    return Buffer.concat(all);
  };
  for (const length of [32 << 10, 1000, 3 << 20, 1 << 20]) expect((await pieces(length)).equals(bytes)).toBe(true);
  for (const from of [5, 4_000_000]) expect((await pieces(700_001, from)).equals(bytes.subarray(from))).toBe(true);
  for (const offset of [3_000_000, 7, 1_048_570, 4_194_300]) {
    expect(Buffer.from(await blob.read(offset, 100)).equals(bytes.subarray(offset, offset + 100))).toBe(true);
  }
  expect((await blob.read(blob.size, 10)).byteLength).toBe(0);
  expect((await blob.read(blob.size + 5, 10)).byteLength).toBe(0);
});
