import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import { layer, scope, snapshotterSuite } from '#core/snapshots/snapshotter.suite';
import { createSubvolume, snapshotSubvolume, subvolumeId } from '#sys/btrfs';
import { run } from '#sys/process';
import { mountedSubject } from '../shared/mounted-subject.fixture.ts';
import { deviceOf } from './btrfs.ts';
import { BtrfsSnapshotter } from './btrfs-snapshotter.ts';

// A filesystem in a file: needs btrfs-progs, losetup and a kernel with btrfs.
let dir = '';
let loop = '';
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

async function must(...argv: string[]): Promise<string> {
  const result = await run(argv, { env });
  if (result.exitCode !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
  return result.stdout.trim();
}

beforeAll(async () => {
  dir = mkdtempSync('/dev/shm/berth-btrfs-');
  await must('truncate', '-s', '256M', join(dir, 'image'));
  await must('mkfs.btrfs', '-q', '-m', 'single', join(dir, 'image'));
  mkdirSync(join(dir, 'mnt'));
  loop = await must('losetup', '-f', '--show', join(dir, 'image'));
  await must('mount', '-t', 'btrfs', loop, join(dir, 'mnt'));
});

afterAll(async () => {
  await must('umount', join(dir, 'mnt'));
  await must('losetup', '-d', loop);
  rmSync(dir, { recursive: true });
});

const open = async () => {
  const base = join(dir, 'mnt');
  const subject = await mountedSubject(base, (root) =>
    BtrfsSnapshotter.open(root, { device: deviceOf(root), log: silent }),
  );
  return {
    ...subject,
    async [Symbol.asyncDispose]() {
      for await (const { name } of subject.store.walk(scope, ['kind!=committed']))
        await subject.store.remove(scope, name);
      for (let left = 1; left > 0; ) {
        left = 0;
        for await (const { name } of subject.store.walk(scope)) {
          left++;
          await subject.store.remove(scope, name).catch(() => {});
        }
      }
      await subject.store.cleanup(scope);
      await subject[Symbol.asyncDispose]();
    },
  };
};

snapshotterSuite('btrfs', open);

test('a snapshot is a subvolume, mounted by its number', async () => {
  await using subject = await open();
  const { store, root } = subject;
  const at = (name: string) => `subvolid=${subvolumeId(join(root, name))}`;
  expect(await store.prepare(scope, 'a', '')).toEqual([
    { type: 'btrfs', source: loop, target: '', options: [at('active/1')] },
  ]);
  await store.commit(scope, 'A', 'a');
  expect(readdirSync(join(root, 'active'))).toEqual([]);
  expect(await store.view(scope, 'v', 'A')).toEqual([
    { type: 'btrfs', source: loop, target: '', options: [at('view/2'), 'ro'] },
  ]);
});

test('usage counts what differs from the parent', async () => {
  await using subject = await open();
  await layer(subject, 'base', '', (path) => {
    for (let i = 0; i < 50; i++) writeFileSync(join(path, `f${i}`), Buffer.alloc(100_000, i));
  });
  await layer(subject, 'top', 'base', (path) => writeFileSync(join(path, 'f7'), Buffer.alloc(200_000, 1)));
  const { size, inodes } = await subject.store.usage(scope, 'top');
  expect(inodes).toBeLessThanOrEqual(2);
  expect(size).toBeGreaterThanOrEqual(200_000);
  expect(size).toBeLessThan(300_000);
});

test('a subvolume made inside a container goes with its snapshot', async () => {
  await using subject = await open();
  const { store, root } = subject;
  await store.prepare(scope, 'a', '');
  mkdirSync(join(root, 'active/1/var'));
  createSubvolume(join(root, 'active/1/var/inner'));
  createSubvolume(join(root, 'active/1/var/inner/most'));
  await store.remove(scope, 'a');
  await store.cleanup(scope);
  expect(readdirSync(join(root, 'active'))).toEqual([]);
});

test('a crash in the middle of a commit is repaired, on either side of the record', async () => {
  await using subject = await open();
  const { store, root } = subject;
  await store.prepare(scope, 'before', '');
  snapshotSubvolume(join(root, 'active/1'), join(root, 'snapshots/1'), { readonly: true });
  await layer(subject, 'after', '', () => {});
  snapshotSubvolume(join(root, 'snapshots/2'), join(root, 'active/2'), { readonly: false });
  createSubvolume(join(root, 'view/9'));
  const again = await BtrfsSnapshotter.open(root, { device: loop, log: silent });
  await again.repair();
  await again.cleanup(scope);
  expect(['active', 'view', 'snapshots'].map((place) => readdirSync(join(root, place)))).toEqual([['1'], [], ['2']]);
  await again[Symbol.asyncDispose]();
});
