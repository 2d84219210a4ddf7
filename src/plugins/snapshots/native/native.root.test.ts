import { expect, test } from 'bun:test';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import { layer, scope, snapshotterSuite } from '#core/snapshots/snapshotter.suite';
import { faultOf } from '#core/subject';
import { mountAll, unmount } from '#sys/mount';
import { mountedSubject } from '../shared/mounted-subject.fixture.ts';
import { NativeSnapshotter } from './native-snapshotter.ts';

const open = () => mountedSubject('/dev/shm', (root) => NativeSnapshotter.open(root, silent));

snapshotterSuite('native', open);

test('an active snapshot is a copy, a view is the parent itself', async () => {
  await using subject = await open();
  const { store, root } = subject;
  const bind = (name: string, way: string) => [
    { type: 'bind', source: join(root, 'snapshots', name), target: '', options: ['rbind', way] },
  ];
  expect(await store.prepare(scope, 'a', '')).toEqual(bind('1', 'rw'));
  writeFileSync(join(root, 'snapshots/1/f'), 'x');
  chmodSync(join(root, 'snapshots/1'), 0o751);
  await store.commit(scope, 'A', 'a');
  expect(await store.prepare(scope, 'b', 'A')).toEqual(bind('2', 'rw'));
  expect(readFileSync(join(root, 'snapshots/2/f'), 'utf8')).toBe('x');
  expect(lstatSync(join(root, 'snapshots/2')).mode & 0o7777).toBe(0o751);
  expect(await store.view(scope, 'v', 'A')).toEqual(bind('1', 'ro'));
  expect(await store.usage(scope, 'v')).toEqual({ size: 0, inodes: 0 });
  expect(readdirSync(join(root, 'snapshots')).sort()).toEqual(['1', '2']);
});

test('a full disk leaves no snapshot, no name taken and no directory', async () => {
  await using subject = await mountedSubject('/dev/shm', async (root) => {
    await mountAll([{ type: 'tmpfs', source: 'tmpfs', target: '', options: ['size=6m'] }], root);
    const store = await NativeSnapshotter.open(root, silent);
    const close = store[Symbol.asyncDispose].bind(store);
    return Object.assign(store, {
      [Symbol.asyncDispose]: async () => {
        await close();
        await unmount(root);
      },
    });
  });
  const { store, root } = subject;
  await layer(subject, 'base', '', (path) => writeFileSync(join(path, 'f'), Buffer.alloc(3 << 20)));
  expect(await faultOf(store.prepare(scope, 'a', 'base'))).toBe('resource_exhausted');
  expect(readdirSync(join(root, 'snapshots'))).toEqual(['1']);
  expect(await faultOf(store.stat(scope, 'a'))).toBe('not_found');
  expect(await faultOf(store.prepare(scope, 'a', 'base'))).toBe('resource_exhausted');
  await store.remove(scope, 'base');
});

test('a parent cannot be removed while it is being copied', async () => {
  await using subject = await open();
  const { store } = subject;
  await layer(subject, 'base', '', (path) => {
    for (let i = 0; i < 200; i++) mkdirSync(join(path, `d${i}`));
  });
  const copying = store.prepare(scope, 'a', 'base');
  expect(await faultOf(store.remove(scope, 'base'))).toBe('failed_precondition');
  await copying;
});

test('leftovers of a crash go with the next cleanup, and what was acknowledged stays', async () => {
  await using subject = await open();
  const { store, root } = subject;
  await layer(subject, 'base', '', (path) => writeFileSync(join(path, 'f'), ''));
  await store.prepare(scope, 'a', 'base');
  mkdirSync(join(root, 'snapshots/9/half'), { recursive: true });
  await using again = await NativeSnapshotter.open(root, silent);
  await again.cleanup(scope);
  expect(readdirSync(join(root, 'snapshots')).sort()).toEqual(['1', '2']);
  expect((await again.stat(scope, 'a')).parent).toBe('base');
});
