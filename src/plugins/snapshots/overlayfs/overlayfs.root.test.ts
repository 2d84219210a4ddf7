import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import { layer, scope, snapshotterSuite } from '#core/snapshots/snapshotter.suite';
import { faultOf } from '#core/subject';
import { mountAll, unmount } from '#sys/mount';
import { mountedSubject } from '../shared/mounted-subject.fixture.ts';
import { mappedRoot } from './mapped-root.ts';
import { inUserNamespace, needsUserXattr, requireOverlay } from './overlay-probes.ts';
import { type OverlayOptions, OverlaySnapshotter } from './overlay-snapshotter.ts';

const defaults: OverlayOptions = { mountOptions: ['index=off'], upperdirLabel: false, syncRemove: false, log: silent };
const open = (options: Partial<OverlayOptions> = {}) =>
  mountedSubject('/dev/shm', (root) => OverlaySnapshotter.open(root, { ...defaults, ...options }));

snapshotterSuite('overlayfs', open);
snapshotterSuite('overlayfs on disk', () => mountedSubject('/tmp', (root) => OverlaySnapshotter.open(root, defaults)));

test('mounts are binds or overlays with the options in containerd order', async () => {
  await using subject = await open();
  const { store, root } = subject;
  const at = (name: string) => join(root, 'snapshots', name);
  const bind = (name: string, way: string) => [{ type: 'bind', source: at(name), target: '', options: [way, 'rbind'] }];
  expect(await store.prepare(scope, 'a', '')).toEqual(bind('1/fs', 'rw'));
  await store.commit(scope, 'A', 'a');
  expect(await store.prepare(scope, 'b', 'A')).toEqual([
    {
      type: 'overlay',
      source: 'overlay',
      target: '',
      options: [`workdir=${at('2/work')}`, `upperdir=${at('2/fs')}`, `lowerdir=${at('1/fs')}`, 'index=off'],
    },
  ]);
  await store.commit(scope, 'B', 'b');
  expect(await store.view(scope, 'va', 'A')).toEqual(bind('1/fs', 'ro'));
  expect(await store.view(scope, 'vb', 'B')).toEqual([
    { type: 'overlay', source: 'overlay', target: '', options: [`lowerdir=${at('2/fs')}:${at('1/fs')}`, 'index=off'] },
  ]);
  expect(await store.view(scope, 've', '')).toEqual(bind('5/fs', 'ro'));
  const modes = ['1', '1/fs', '1/work', '5/fs'].map((name) => statSync(at(name)).mode & 0o7777);
  expect(modes).toEqual([0o700, 0o755, 0o711, 0o755]);
  expect(existsSync(at('5/work'))).toBe(false);
});

test('a removed directory stays until the cleanup, or goes at once when told so', async () => {
  for (const syncRemove of [false, true]) {
    await using subject = await open({ syncRemove });
    await subject.store.prepare(scope, 'a', '');
    await subject.store.remove(scope, 'a');
    expect(existsSync(join(subject.root, 'snapshots/1'))).toBe(!syncRemove);
    await subject.store.cleanup(scope);
    expect(readdirSync(join(subject.root, 'snapshots'))).toEqual([]);
  }
});

test('a directory that cannot be removed does not keep the others', async () => {
  await using subject = await open();
  const { store, root, mounted } = subject;
  for (const key of ['a', 'b', 'c']) await store.prepare(scope, key, '');
  await mounted(await store.mounts(scope, 'a'), async () => {
    mkdirSync(join(root, 'snapshots/2/fs/m'));
    const inside = [
      { type: 'bind', source: join(root, 'snapshots/3/fs'), target: 'snapshots/2/fs/m', options: ['bind'] },
    ];
    await mountAll(inside, root);
    for (const key of ['b', 'c']) await store.remove(scope, key);
    await expect(store.cleanup(scope)).rejects.toThrow(/EBUSY/);
    expect(readdirSync(join(root, 'snapshots')).sort()).toEqual(['1', '2']);
    await unmount(join(root, 'snapshots/2/fs/m'));
    await store.cleanup(scope);
  });
  expect(readdirSync(join(root, 'snapshots'))).toEqual(['1']);
});

test('what was acknowledged is there again after the store was abandoned, and leftovers go', async () => {
  await using subject = await open();
  const { store, root, mounted } = subject;
  await layer(subject, 'base', '', (path) => writeFileSync(join(path, 'f'), ''));
  await store.prepare(scope, 'late', '');
  await store.prepare(scope, 'a', 'base', { labels: { x: 'y' } });
  await store.commit(scope, 'rebased', 'late', { parent: 'base' });
  await store.remove(scope, 'a');
  await store.prepare(scope, 'b', 'rebased');
  await store.usage(scope, 'base');
  const before = await collect(store.walk(scope));
  // As after kill -9: opened again without a close, with things in it that nobody knows.
  mkdirSync(join(root, 'snapshots/77/fs'), { recursive: true });
  mkdirSync(join(root, 'snapshots/new-123'));
  rmSync(join(root, 'snapshots/4'), { recursive: true });
  await using again = await OverlaySnapshotter.open(root, defaults);
  expect(await collect(again.walk(scope))).toEqual(before);
  await again.cleanup(scope);
  expect(readdirSync(join(root, 'snapshots')).sort()).toEqual(['1', '2', '4']);
  await mounted(await again.mounts(scope, 'b'), (path) => expect(readdirSync(path)).toEqual(['f']));
  await again.prepare(scope, 'c', '');
  expect(readdirSync(join(root, 'snapshots')).sort()).toEqual(['1', '2', '4', '78']);
  expect(await again.usage(scope, 'base')).toEqual(await store.usage(scope, 'base'));
});

test('numbers are not used twice, also after the newest was removed and the store opened again', async () => {
  await using subject = await open();
  await subject.store.prepare(scope, 'a', '');
  await subject.store.remove(scope, 'a');
  await subject.store.cleanup(scope);
  await using again = await OverlaySnapshotter.open(subject.root, defaults);
  await again.prepare(scope, 'b', '');
  expect(readdirSync(join(subject.root, 'snapshots'))).toEqual(['2']);
});

test('on a full disk a call is refused and leaves nothing; what was there works, and removing still does', async () => {
  const root = mkdtempSync('/dev/shm/berth-full-');
  await mountAll([{ type: 'tmpfs', source: 'tmpfs', target: '', options: ['size=2m'] }], root);
  {
    await using store = await OverlaySnapshotter.open(root, defaults);
    await store.prepare(scope, 'a', '');
    await store.commit(scope, 'A', 'a');
    expect(() => writeFileSync(join(root, 'filler'), Buffer.alloc(4 << 20))).toThrow('ENOSPC');
    // The log may have some room left in its last page.
    let refused = 'none';
    for (let i = 0; i < 500 && refused === 'none'; i++) refused = await faultOf(store.prepare(scope, `b${i}`, 'A'));
    expect(refused).toBe('resource_exhausted');
    const names = (await collect(store.walk(scope))).length;
    expect(await store.cleanup(scope).then(() => readdirSync(join(root, 'snapshots')).length)).toBe(names);
    rmSync(join(root, 'filler'));
    await store.prepare(scope, 'after', 'A');
    await store.remove(scope, 'after');
  }
  await unmount(root);
  rmSync(root, { recursive: true });
});

test('mapping labels give the root to the mapped root; half a mapping is refused and leaves nothing', async () => {
  await using subject = await open();
  const { store, root } = subject;
  const labels = {
    'containerd.io/snapshot/uidmapping': '0:100000:65536',
    'containerd.io/snapshot/gidmapping': '5:1:1,0:200000:65536',
  };
  await store.prepare(scope, 'a', '', { labels });
  const { uid, gid } = statSync(join(root, 'snapshots/1/fs'));
  expect([uid, gid]).toEqual([100_000, 200_000]);
  const half = { labels: { 'containerd.io/snapshot/uidmapping': '0:1:1' } };
  expect(await faultOf(store.prepare(scope, 'b', '', half))).toBe('invalid_argument');
  await store.cleanup(scope);
  expect(readdirSync(join(root, 'snapshots'))).toEqual(['1']);
  for (const map of ['x', '1:2:3', '0:0:0', '0:4294967295:2', '']) {
    const bad = { 'containerd.io/snapshot/uidmapping': map, 'containerd.io/snapshot/gidmapping': '0:1:1' };
    expect(() => mappedRoot(bad)).toThrow(/invalid argument$/);
  }
});

test('the upper directory is shown in a label when that is configured', async () => {
  await using subject = await open({ upperdirLabel: true });
  const { store, root } = subject;
  await store.prepare(scope, 'a', '', { labels: { x: 'y' } });
  const labels = { x: 'y', 'containerd.io/snapshot/overlay.upperdir': join(root, 'snapshots/1/fs') };
  expect((await store.stat(scope, 'a')).labels).toEqual(labels);
});

test('support is found out by mounting', async () => {
  await using subject = await open();
  await requireOverlay(subject.root, ['index=off']);
  await expect(requireOverlay(subject.root, ['nosuchoption=1'])).rejects.toThrow(/overlayfs is not supported on/);
  await expect(requireOverlay('/proc', [])).rejects.toThrow(/overlayfs is not supported on/);
  expect(await needsUserXattr(subject.root)).toBe(false);
  expect([inUserNamespace('         0          0 4294967295\n'), inUserNamespace('0 1000 1\n1 100000 65536')]).toEqual([
    false,
    true,
  ]);
  expect(readdirSync(subject.root).filter((name) => name.startsWith('check-'))).toEqual([]);
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
