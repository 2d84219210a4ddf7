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
  expect([a.size, a.file === b.file, await openIn(at.dir)]).toEqual([5, true, 1]);
  await a[Symbol.asyncDispose]();
  await a[Symbol.asyncDispose]();
  await b[Symbol.asyncDispose]();
  const again = await blobs.hold(at.path);
  expect([again.file === a.file, await openIn(at.dir)]).toEqual([true, 1]);
  await again[Symbol.asyncDispose]();
  const until = performance.now() + 5000;
  while ((await openIn(at.dir)) > 0 && performance.now() < until) await Bun.sleep(50);
  expect(await openIn(at.dir)).toBe(0);
});

test('a removed blob is closed at once, or when its last reader is done, and not found again', async () => {
  await using at = await scratch();
  const blobs = new OpenBlobs();
  const reader = await blobs.hold(at.path);
  await unlink(at.path);
  await blobs.forget(at.path);
  expect((await reader.file.read(Buffer.alloc(5), 0, 5, 0)).bytesRead).toBe(5);
  await expect(blobs.hold(at.path)).rejects.toThrow('ENOENT');
  await reader[Symbol.asyncDispose]();
  expect(await openIn(at.dir)).toBe(0);
});
