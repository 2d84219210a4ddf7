import { expect, test } from 'bun:test';
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mount } from '#core/mount';
import { scopeOf } from '#core/scope';
import { faultOf, type Subject } from '#core/subject';
import type { SnapshotInfo, Snapshotter } from './snapshotter.ts';
import { changesSuite } from './snapshotter-changes.suite.ts';

/** A snapshotter under test, and the means to mount what it says. */
export interface SnapshotterSubject extends Subject<Snapshotter> {
  /** Mounts on a new directory, runs, unmounts. */
  mounted<T>(mounts: readonly Mount[], use: (root: string) => T | Promise<T>): Promise<T>;
}

export const scope = scopeOf('test');
export type OpenSnapshotter = () => Promise<SnapshotterSubject>;

/** Makes a committed layer with what `change` does to it. */
export async function layer(
  subject: SnapshotterSubject,
  name: string,
  parent: string,
  change: (root: string) => void | Promise<void>,
): Promise<void> {
  await subject.mounted(await subject.store.prepare(scope, `prepare-${name}`, parent), change);
  await subject.store.commit(scope, name, `prepare-${name}`);
}

export async function infos(store: Snapshotter, filters?: readonly string[]): Promise<SnapshotInfo[]> {
  const all: SnapshotInfo[] = [];
  for await (const info of store.walk(scope, filters)) all.push(info);
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const names = async (store: Snapshotter, filters?: readonly string[]) =>
  (await infos(store, filters)).map(({ name }) => name);

const nothing = () => {};

/** What every snapshotter promises: run it on each implementation, and on what stands in front of one. */
export function snapshotterSuite(label: string, open: OpenSnapshotter): void {
  lifeSuite(label, open);
  refusalSuite(label, open);
  recordSuite(label, open);
  rebaseSuite(label, open);
  changesSuite(label, open);
}

function lifeSuite(label: string, open: OpenSnapshotter): void {
  test(`${label}: a snapshot is prepared, written, committed, built upon and removed`, async () => {
    await using subject = await open();
    const { store, mounted } = subject;
    const mounts = await store.prepare(scope, 'active', '');
    await mounted(mounts, (root) => writeFileSync(join(root, 'a'), '1'));
    expect(await store.mounts(scope, 'active')).toEqual(mounts);
    expect(await store.stat(scope, 'active')).toMatchObject({ name: 'active', parent: '', kind: 'active', labels: {} });
    await store.commit(scope, 'base', 'active');
    expect(await faultOf(store.stat(scope, 'active'))).toBe('not_found');
    expect(await store.stat(scope, 'base')).toMatchObject({ name: 'base', parent: '', kind: 'committed' });
    await mounted(await store.prepare(scope, 'next', 'base'), (root) => {
      expect(readdirSync(root)).toEqual(['a']);
      writeFileSync(join(root, 'b'), '2');
    });
    expect(await store.stat(scope, 'next')).toMatchObject({ parent: 'base', kind: 'active' });
    await store.commit(scope, 'top', 'next');
    await mounted(await store.view(scope, 'view', 'top'), (root) =>
      expect(readdirSync(root).sort()).toEqual(['a', 'b']),
    );
    for (const name of ['view', 'top', 'base']) await store.remove(scope, name);
    expect(await infos(store)).toEqual([]);
  });

  test(`${label}: what an active snapshot does is not seen by its siblings or its parent`, async () => {
    await using subject = await open();
    const { store, mounted } = subject;
    await layer(subject, 'base', '', (root) => writeFileSync(join(root, 'f'), 'old'));
    const one = await store.prepare(scope, 'one', 'base');
    const two = await store.prepare(scope, 'two', 'base');
    await mounted(one, (root) => {
      writeFileSync(join(root, 'f'), 'new');
      writeFileSync(join(root, 'g'), '');
    });
    await mounted(two, (root) => expect([readdirSync(root), size(root, 'f')]).toEqual([['f'], 3]));
    await mounted(await store.view(scope, 'v', 'base'), (root) => expect(readdirSync(root)).toEqual(['f']));
    await mounted(await store.mounts(scope, 'one'), (root) => expect(readdirSync(root).sort()).toEqual(['f', 'g']));
  });

  test(`${label}: a view cannot be written, whether of nothing, of one layer or of two`, async () => {
    await using subject = await open();
    const { store, mounted } = subject;
    await layer(subject, 'one', '', (root) => writeFileSync(join(root, 'f'), ''));
    await layer(subject, 'two', 'one', (root) => writeFileSync(join(root, 'g'), ''));
    for (const parent of ['', 'one', 'two']) {
      await mounted(await store.view(scope, `view-${parent}`, parent), (root) => {
        expect(() => writeFileSync(join(root, 'x'), '')).toThrow('EROFS');
        if (parent !== '') expect(() => rmSync(join(root, 'f'))).toThrow('EROFS');
      });
      expect((await store.stat(scope, `view-${parent}`)).kind).toBe('view');
    }
  });

  test(`${label}: a new snapshot's root belongs to root with mode 0755, or is as the parent's`, async () => {
    await using subject = await open();
    const { store, mounted } = subject;
    const root = (path: string) => {
      const { uid, gid, mode } = lstatSync(path);
      return [uid, gid, mode & 0o7777];
    };
    await mounted(await store.prepare(scope, 'a', ''), (path) => {
      expect(root(path)).toEqual([0, 0, 0o755]);
      chownSync(path, 12, 34);
    });
    await store.commit(scope, 'base', 'a');
    await mounted(await store.prepare(scope, 'b', 'base'), (path) => {
      expect(root(path)).toEqual([12, 34, 0o755]);
      chmodSync(path, 0o700);
    });
    await store.commit(scope, 'top', 'b');
    await mounted(await store.view(scope, 'v', 'top'), (path) => expect(root(path)).toEqual([12, 34, 0o700]));
  });

  test(`${label}: usage is what the snapshot adds; the same before and after its commit`, async () => {
    await using subject = await open();
    const { store, mounted } = subject;
    const fill = (root: string) => writeFileSync(join(root, 'big'), Buffer.alloc(1 << 20, 1));
    await mounted(await store.prepare(scope, 'a', ''), fill);
    const active = await store.usage(scope, 'a');
    expect(active.size).toBeGreaterThanOrEqual(1 << 20);
    expect(active.size).toBeLessThan((1 << 20) + 65536);
    expect(active.inodes).toBe(2);
    await store.commit(scope, 'base', 'a');
    expect(await store.usage(scope, 'base')).toEqual(active);
    expect(await store.usage(scope, 'base')).toEqual(active);
    expect(await faultOf(store.usage(scope, 'a'))).toBe('not_found');
  });
}

function refusalSuite(label: string, open: OpenSnapshotter): void {
  test(`${label}: keys and names are one space, and taken ones are refused`, async () => {
    await using subject = await open();
    const { store } = subject;
    await layer(subject, 'base', '', nothing);
    await store.prepare(scope, 'a', 'base');
    await store.view(scope, 'v', 'base');
    for (const key of ['a', 'v', 'base']) {
      expect(await faultOf(store.prepare(scope, key, 'base'))).toBe('already_exists');
      expect(await faultOf(store.view(scope, key, ''))).toBe('already_exists');
      expect(await faultOf(store.commit(scope, key, 'a'))).toBe('already_exists');
    }
    expect(await names(store)).toEqual(['a', 'base', 'v']);
  });

  test(`${label}: of calls that race for one key, one wins`, async () => {
    await using subject = await open();
    const { store } = subject;
    const attempts = Array.from({ length: 8 }, (_, i) =>
      faultOf(i % 2 === 0 ? store.prepare(scope, 'k', '') : store.view(scope, 'k', '')),
    );
    expect((await Promise.all(attempts)).sort()).toEqual([...Array(7).fill('already_exists'), 'none']);
    for (const key of ['x', 'y']) await store.prepare(scope, key, '');
    const commits = await Promise.all(['x', 'y'].map((key) => faultOf(store.commit(scope, 'name', key))));
    expect(commits.sort()).toEqual(['already_exists', 'none']);
    expect((await names(store)).length).toBe(3);
  });

  test(`${label}: a parent must be there and be committed`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.prepare(scope, 'a', '');
    await store.view(scope, 'v', '');
    for (const make of [store.prepare.bind(store), store.view.bind(store)]) {
      expect(await faultOf(make(scope, 'x', 'missing'))).toBe('not_found');
      expect(await faultOf(make(scope, 'x', 'a'))).toBe('invalid_argument');
      expect(await faultOf(make(scope, 'x', 'v'))).toBe('invalid_argument');
    }
    expect(await names(store)).toEqual(['a', 'v']);
  });

  test(`${label}: only an active snapshot can be committed, only active ones and views mounted`, async () => {
    await using subject = await open();
    const { store } = subject;
    await layer(subject, 'base', '', nothing);
    await store.view(scope, 'v', 'base');
    expect(await faultOf(store.commit(scope, 'n', 'v'))).toBe('failed_precondition');
    expect(await faultOf(store.commit(scope, 'n', 'base'))).toBe('failed_precondition');
    expect(await faultOf(store.commit(scope, 'n', 'missing'))).toBe('not_found');
    expect(await faultOf(store.mounts(scope, 'base'))).toBe('failed_precondition');
    expect(await faultOf(store.mounts(scope, 'missing'))).toBe('not_found');
    expect(await names(store)).toEqual(['base', 'v']);
  });

  test(`${label}: a snapshot with children stays; in the right order all go`, async () => {
    await using subject = await open();
    const { store, mounted } = subject;
    await layer(subject, 'one', '', (root) => writeFileSync(join(root, 'f'), ''));
    await layer(subject, 'two', 'one', nothing);
    await store.prepare(scope, 'a', 'two');
    await store.view(scope, 'v', 'two');
    expect(await faultOf(store.remove(scope, 'one'))).toBe('failed_precondition');
    expect(await faultOf(store.remove(scope, 'two'))).toBe('failed_precondition');
    await store.remove(scope, 'a');
    expect(await faultOf(store.remove(scope, 'two'))).toBe('failed_precondition');
    await mounted(await store.mounts(scope, 'v'), (root) => expect(readdirSync(root)).toEqual(['f']));
    for (const name of ['v', 'two', 'one']) await store.remove(scope, name);
    expect(await faultOf(store.remove(scope, 'one'))).toBe('not_found');
    expect(await names(store)).toEqual([]);
  });

  test(`${label}: a removed key can be used again, and is empty`, async () => {
    await using subject = await open();
    const { store, mounted } = subject;
    await mounted(await store.prepare(scope, 'k', ''), (root) => writeFileSync(join(root, 'f'), ''));
    await store.remove(scope, 'k');
    await mounted(await store.prepare(scope, 'k', ''), (root) => expect(readdirSync(root)).toEqual([]));
  });
}

function recordSuite(label: string, open: OpenSnapshotter): void {
  test(`${label}: labels are kept, changed as a whole or by field, and not inherited by the commit`, async () => {
    await using subject = await open();
    const { store } = subject;
    const label = (key: string) => `containerd.io/snapshot/${key}`;
    await store.prepare(scope, 'a', '', { labels: { [label('x')]: '1', [label('y')]: '2' } });
    const before = await store.stat(scope, 'a');
    expect(before.labels).toEqual({ [label('x')]: '1', [label('y')]: '2' });
    const changed = await store.update(scope, { name: 'a', labels: { [label('x')]: '3' } }, [`labels.${label('x')}`]);
    expect(changed.labels).toEqual({ [label('x')]: '3', [label('y')]: '2' });
    const { seconds, nanos } = before.updatedAt;
    expect([changed.updatedAt.seconds, changed.updatedAt.nanos] > [seconds, nanos]).toBe(true);
    expect(changed.createdAt).toEqual(before.createdAt);
    expect((await store.update(scope, { name: 'a', labels: { [label('z')]: '4' } }, ['labels'])).labels).toEqual({
      [label('z')]: '4',
    });
    expect(await faultOf(store.update(scope, { name: 'a', labels: {} }, ['parent']))).toBe('invalid_argument');
    expect(await faultOf(store.update(scope, { name: 'missing', labels: {} }))).toBe('not_found');
    await store.commit(scope, 'base', 'a', { labels: { [label('c')]: '5' } });
    expect((await store.stat(scope, 'base')).labels).toEqual({ [label('c')]: '5' });
  });

  test(`${label}: a label that is too big is refused and nothing is made`, async () => {
    await using subject = await open();
    const labels = { 'containerd.io/snapshot/x': 'v'.repeat(5000) };
    expect(await faultOf(subject.store.prepare(scope, 'a', '', { labels }))).toBe('invalid_argument');
    expect(await names(subject.store)).toEqual([]);
  });

  test(`${label}: walking shows every snapshot, or those that match a filter`, async () => {
    await using subject = await open();
    const { store } = subject;
    const labels = { 'containerd.io/snapshot/tier': 'low' };
    await layer(subject, 'one', '', nothing);
    await layer(subject, 'two', 'one', nothing);
    await store.prepare(scope, 'a', 'two', { labels });
    await store.view(scope, 'v', 'one');
    expect(await names(store)).toEqual(['a', 'one', 'two', 'v']);
    expect(await names(store, ['kind==committed'])).toEqual(['one', 'two']);
    expect(await names(store, ['kind==active', 'kind==view'])).toEqual(['a', 'v']);
    expect(await names(store, ['parent==one'])).toEqual(['two', 'v']);
    expect(await names(store, ['parent==one,kind==view'])).toEqual(['v']);
    expect(await names(store, ['name~=^o'])).toEqual(['one']);
    expect(await names(store, ['labels."containerd.io/snapshot/tier"==low'])).toEqual(['a']);
    expect(await names(store, ['name==none'])).toEqual([]);
    expect(await faultOf(infos(store, ['name==']))).toBe('invalid_argument');
    for (const info of await infos(store)) expect(await store.stat(scope, info.name)).toEqual(info);
  });

  test(`${label}: cleaning up keeps what is there`, async () => {
    await using subject = await open();
    const { store, mounted } = subject;
    await layer(subject, 'base', '', (root) => writeFileSync(join(root, 'f'), ''));
    const kept = await store.prepare(scope, 'kept', 'base');
    await store.prepare(scope, 'gone', 'base');
    await store.remove(scope, 'gone');
    await Promise.all(
      [store.cleanup(scope), store.cleanup(scope), store.prepare(scope, 'meanwhile', 'base')].map(calmed),
    );
    await mounted(kept, (root) => expect(readdirSync(root)).toEqual(['f']));
    await mounted(await store.mounts(scope, 'meanwhile'), (root) => expect(readdirSync(root)).toEqual(['f']));
  });
}

function rebaseSuite(label: string, open: OpenSnapshotter): void {
  test(`${label}: a parent may be given at the commit, where the snapshotter can`, async () => {
    await using subject = await open();
    const { store, mounted } = subject;
    const keys = ['upper', 'middle', 'lower'];
    for (const key of keys) {
      await mounted(await store.prepare(scope, key, ''), (root) => {
        mkdirSync(join(root, 'dir'));
        writeFileSync(join(root, 'dir', key), '');
        writeFileSync(join(root, 'same'), key);
      });
    }
    await store.commit(scope, 'L', 'lower');
    if (!store.capabilities.has('rebase')) {
      expect(await faultOf(store.commit(scope, 'M', 'middle', { parent: 'L' }))).toBe('failed_precondition');
      return;
    }
    expect(await faultOf(store.commit(scope, 'U', 'upper', { parent: 'M' }))).toBe('not_found');
    expect(await faultOf(store.commit(scope, 'U', 'upper', { parent: 'middle' }))).toBe('invalid_argument');
    await store.commit(scope, 'M', 'middle', { parent: 'L' });
    await store.commit(scope, 'U', 'upper', { parent: 'M' });
    expect(await store.stat(scope, 'U')).toMatchObject({ parent: 'M', kind: 'committed' });
    expect(await faultOf(store.remove(scope, 'M'))).toBe('failed_precondition');
    await mounted(await store.view(scope, 'v', 'U'), (root) => {
      expect(readdirSync(join(root, 'dir')).sort()).toEqual(['lower', 'middle', 'upper']);
      expect(size(root, 'same')).toBe('upper'.length);
    });
    await store.prepare(scope, 'has-one', 'L');
    expect(await faultOf(store.commit(scope, 'X', 'has-one', { parent: 'U' }))).toBe('failed_precondition');
  });
}

const size = (root: string, name: string) => lstatSync(join(root, name)).size;

/** `cleanup` may say that it has nothing to do. */
async function calmed(work: Promise<unknown>): Promise<void> {
  expect(['none', 'not_implemented']).toContain(await faultOf(work));
}
