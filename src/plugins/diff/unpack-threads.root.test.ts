import { expect, test } from 'bun:test';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { classOf } from '#base/errors';
import { tarOf } from '#lib/tar/small-archive';
import { UnpackThreads, type UnpackThreadsOptions } from './unpack-threads.ts';

/** As much is hashed in a thread of its own, where there is a processor for it. */
const large = 1e9;

function bench(layer: Buffer, options: Partial<UnpackThreadsOptions> = {}) {
  const directory = mkdtempSync('/dev/shm/berth-threads-');
  const path = join(directory, 'layer');
  writeFileSync(path, layer);
  const fd = openSync(path, 'r');
  const threads = new UnpackThreads({ most: 3, idleMs: 60_000, ...options });
  let roots = 0;
  return {
    size: layer.length,
    start(expectedBytes: number) {
      const root = join(directory, `root-${roots++}`);
      mkdirSync(root);
      const limits = { maxBytes: 1e9, maxEntries: 1000 };
      const unmentionedParents = 'make' as const;
      const task = { fd, maxBytes: 1e9, root, whiteouts: 'remove' as const, lowers: [], unmentionedParents, limits };
      return { root, work: threads.start(task, expectedBytes) };
    },
    async [Symbol.asyncDispose]() {
      await threads[Symbol.asyncDispose]();
      closeSync(fd);
      rmSync(directory, { recursive: true });
    },
  };
}

/** More than the ring holds. */
const content = randomBytes(9 << 20);
const tar = tarOf([{ name: 'file', data: content }]);
const packed = gzipSync(tar, { level: 1 });
const digest = `sha256:${createHash('sha256').update(tar).digest('hex')}`;

test('a layer is the same whether a thread of its own hashes it or the one that inflates', async () => {
  await using bed = bench(packed);
  for (const expectedBytes of [large, 0, large]) {
    const { root, work } = bed.start(expectedBytes);
    work.arrived(bed.size >> 1);
    work.complete(bed.size);
    expect((await work.done)?.inflated).toEqual({ digest, size: tar.length });
    expect(readFileSync(join(root, 'file')).equals(content)).toBe(true);
  }
});

test('several large layers at once are each their own', async () => {
  await using bed = bench(packed);
  const started = [1, 2, 3, 4, 5].map(() => bed.start(large).work);
  for (const work of started) work.complete(bed.size);
  for (const work of started) expect((await work.done)?.inflated.digest).toBe(digest);
});

test('all threads stop when one of them fails or the work is cancelled, and can be used again', async () => {
  const damaged = Buffer.from(packed);
  damaged.fill(0xff, packed.length >> 1);
  await using bad = bench(damaged);
  for (let round = 0; round < 2; round++) {
    const { work } = bad.start(large);
    work.complete(bad.size);
    expect(await work.done.then(String, classOf)).toBe('data_loss');
  }
  await using bed = bench(packed);
  const { root, work } = bed.start(large);
  work.arrived(bed.size - 1);
  work.cancel();
  expect(await work.done).toBeUndefined();
  expect(readdirSync(root).length).toBeLessThan(2);
  const again = bed.start(large).work;
  again.complete(bed.size);
  expect((await again.done)?.inflated.digest).toBe(digest);
});

/** Threads of this process that run workers. */
function workers(): number {
  return readdirSync('/proc/self/task').filter((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/comm`, 'utf8') === 'Worker\n';
    } catch {
      return false; // it has ended
    }
  }).length;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(10);
}

test('threads that rest end, the last ones later', async () => {
  for (const [lastIdleMs, left] of [
    [60_000, 2],
    [30, 0],
  ] as const) {
    await until(() => workers() === 0);
    await using bed = bench(packed, { idleMs: 20, lastIdleMs });
    const started = [0, 0, 0].map((expected) => bed.start(expected).work);
    await until(() => workers() === 6);
    for (const work of started) work.complete(bed.size);
    for (const work of started) await work.done;
    await until(() => workers() === left);
    await setTimeout(100);
    expect(workers()).toBe(left);
  }
});
