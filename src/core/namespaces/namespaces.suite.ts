import { expect, test } from 'bun:test';
import { faultOf, type OpenSubject } from '#core/subject';
import type { NamespaceStore } from './namespaces.ts';

/** What every namespace store promises, apart from what else is stored in a namespace. */
export function namespaceStoreSuite(label: string, open: OpenSubject<NamespaceStore>): void {
  test(`${label}: a namespace is created once, listed by name and deleted`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create({ name: 'b', labels: { x: 'y', empty: '' } });
    await store.create({ name: 'a', labels: {} });
    expect(await store.list()).toEqual([
      { name: 'a', labels: {} },
      { name: 'b', labels: { x: 'y' } },
    ]);
    expect(await faultOf(store.create({ name: 'a', labels: {} }))).toBe('already_exists');
    await store.delete('b');
    expect(await store.list()).toEqual([{ name: 'a', labels: {} }]);
    expect(await faultOf(store.delete('b'))).toBe('not_found');
  });

  test(`${label}: a namespace that nobody made has no labels, and is no error`, async () => {
    await using subject = await open();
    const { store } = subject;
    expect(await store.get('nobody')).toEqual({ name: 'nobody', labels: {} });
    expect(await store.list()).toEqual([]);
  });

  test(`${label}: an update changes the named labels, or all`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create({ name: 'a', labels: { keep: '1', drop: '2' } });
    const given = { name: 'a', labels: { drop: '', 'containerd.io/defaults/snapshotter': 'native', other: '3' } };
    const fields = ['labels.drop', 'labels.containerd.io/defaults/snapshotter'];
    const masked = { name: 'a', labels: { keep: '1', 'containerd.io/defaults/snapshotter': 'native' } };
    expect(await store.update(given, fields)).toEqual(masked);
    expect(await store.get('a')).toEqual(masked);
    expect(await store.update({ name: 'a', labels: { z: '9' } })).toEqual({ name: 'a', labels: { z: '9' } });
    expect(await faultOf(store.update({ name: 'a', labels: {} }, ['name']))).toBe('invalid_argument');
    expect(await store.update({ name: 'new', labels: { x: 'y' } }, ['labels.x'])).toEqual({
      name: 'new',
      labels: { x: 'y' },
    });
    expect(await store.list()).toContainEqual({ name: 'new', labels: { x: 'y' } });
    expect(await faultOf(store.update({ name: '../new', labels: {} }))).toBe('invalid_argument');
  });

  test(`${label}: malformed names and labels are refused`, async () => {
    await using subject = await open();
    const { store } = subject;
    for (const name of ['', 'a/b', '..', 'x'.repeat(77), '-a']) {
      expect(await faultOf(store.create({ name, labels: {} }))).toBe('invalid_argument');
      expect(await faultOf(store.get(name))).toBe('invalid_argument');
    }
    expect(await faultOf(store.create({ name: 'a', labels: { k: 'x'.repeat(4096) } }))).toBe('invalid_argument');
    expect(await store.list()).toEqual([]);
  });
}
