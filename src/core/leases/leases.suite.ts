import { expect, test } from 'bun:test';
import { scopeOf } from '#core/scope';
import { faultOf, type OpenSubject } from '#core/subject';
import { digestOf } from '#lib/digest';
import type { Lease, LeaseStore } from './leases.ts';

const scope = scopeOf('test');
const ids = (leases: readonly Lease[]) => leases.map(({ id }) => id).sort();

/** What every lease store promises, apart from what its leases keep alive. */
export function leaseStoreSuite(label: string, open: OpenSubject<LeaseStore>): void {
  test(`${label}: a lease has the id it was given, or one made up`, async () => {
    await using subject = await open();
    const { store } = subject;
    const labels = { 'containerd.io/gc.expire': '2030-01-01T00:00:00Z', empty: '' };
    const named = await store.create(scope, { id: 'mine', labels });
    expect(named).toMatchObject({ id: 'mine' });
    expect(named.labels).toEqual({ 'containerd.io/gc.expire': '2030-01-01T00:00:00Z' });
    const made = await store.create(scope, { id: '', labels: {} });
    expect(made.id).toMatch(/^\d{19}-[A-Za-z0-9_-]{4}$/);
    expect(ids(await store.list(scope))).toEqual([made.id, 'mine'].sort());
    expect((await store.list(scope, ['id==mine']))[0]).toEqual(named);
    expect(await faultOf(store.create(scope, { id: 'mine', labels: {} }))).toBe('already_exists');
    const big = { id: 'big', labels: { k: 'x'.repeat(4096) } };
    expect(await faultOf(store.create(scope, big))).toBe('invalid_argument');
  });

  test(`${label}: the list is filtered and of one namespace`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, { id: 'a', labels: { x: '1' } });
    await store.create(scope, { id: 'b', labels: {} });
    await store.create(scopeOf('other'), { id: 'c', labels: {} });
    expect(ids(await store.list(scope))).toEqual(['a', 'b']);
    expect(ids(await store.list(scope, ['labels.x==1']))).toEqual(['a']);
    expect(ids(await store.list(scope, ['id==a', 'id==b']))).toEqual(['a', 'b']);
    expect(await faultOf(store.list(scope, ['id==']))).toBe('invalid_argument');
  });

  test(`${label}: resources are added once and taken away`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, { id: 'a', labels: {} });
    const resources = [
      { type: 'content', id: digestOf('x') },
      { type: 'images', id: 'docker.io/library/a:1' },
      { type: 'ingests', id: 'ref-1' },
      { type: 'snapshots/overlayfs', id: 'key' },
    ];
    for (const each of [...resources, ...resources]) await store.addResource(scope, 'a', each);
    const listed = async () => [...(await store.listResources(scope, 'a'))].sort((a, b) => (a.type < b.type ? -1 : 1));
    expect(await listed()).toEqual(resources);
    for (const each of resources.slice(1)) await store.deleteResource(scope, 'a', each);
    expect(await listed()).toEqual(resources.slice(0, 1));
  });

  test(`${label}: what cannot be leased is refused`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, { id: 'a', labels: {} });
    const faultFor = (type: string, id = 'x') => faultOf(store.addResource(scope, 'a', { type, id }));
    expect(await faultFor('content')).toBe('invalid_argument');
    expect(await faultFor('content/more', digestOf('x'))).toBe('invalid_argument');
    expect(await faultFor('ingests/more')).toBe('invalid_argument');
    expect(await faultFor('snapshots')).toBe('invalid_argument');
    expect(await faultFor('snapshots/a/b')).toBe('invalid_argument');
    expect(await faultFor('tasks')).toBe('not_implemented');
    expect(await store.listResources(scope, 'a')).toEqual([]);
  });

  test(`${label}: a lease that is not there is not found`, async () => {
    await using subject = await open();
    const { store } = subject;
    const resource = { type: 'ingests', id: 'x' };
    await store.create(scopeOf('other'), { id: 'a', labels: {} });
    expect(await faultOf(store.delete(scope, 'a'))).toBe('not_found');
    expect(await faultOf(store.addResource(scope, 'a', resource))).toBe('not_found');
    expect(await faultOf(store.deleteResource(scope, 'a', resource))).toBe('not_found');
    expect(await faultOf(store.listResources(scope, 'a'))).toBe('not_found');
    await store.create(scope, { id: 'a', labels: {} });
    await store.addResource(scope, 'a', resource);
    await store.delete(scope, 'a');
    await store.create(scope, { id: 'a', labels: {} });
    expect(await store.listResources(scope, 'a')).toEqual([]);
  });
}
