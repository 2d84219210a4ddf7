import { expect, test } from 'bun:test';
import { setTimeout } from 'node:timers/promises';
import type { Metadata } from '#core/metadata';
import { scopeOf } from '#core/scope';
import type { SnapshotInfo, Snapshotter } from '#core/snapshots/snapshotter';
import { faultOf } from '#core/subject';
import { MemorySnapshotter } from './memory-snapshotter.fixture.ts';
import { openTestMetadata, type TestMetadata } from './metadata.fixture.ts';

const [a, b] = [scopeOf('a'), scopeOf('b')];
const never = new AbortController().signal;

interface Opened extends AsyncDisposable {
  readonly test: TestMetadata;
  readonly backend: MemorySnapshotter;
}

async function open(): Promise<Opened> {
  const backend = new MemorySnapshotter();
  const test = await openTestMetadata({ snapshotters: new Map([['mem', backend]]) });
  return { test, backend, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}

function storeOf(metadata: Metadata): Snapshotter {
  const store = metadata.snapshotters.get('mem');
  if (store === undefined) throw new Error('no snapshotter');
  return store;
}

async function committed(store: Snapshotter, name: string, parent = '', scope = a): Promise<void> {
  await store.prepare(scope, `key-${name}`, parent);
  await store.commit(scope, name, `key-${name}`);
}

async function infos(store: Snapshotter, filters: readonly string[] = [], scope = a): Promise<SnapshotInfo[]> {
  const found: SnapshotInfo[] = [];
  for await (const info of store.walk(scope, filters)) found.push(info);
  return found;
}

test('names are of one namespace, and the backend has keys of namespace and number', async () => {
  await using opened = await open();
  const store = storeOf(opened.test.metadata);
  await committed(store, 'base');
  await committed(store, 'base', '', b);
  await store.prepare(a, 'top', 'base');
  expect([...opened.backend.infos.keys()]).toEqual(['a/2/base', 'b/4/base', 'a/5/top']);
  expect(opened.backend.infos.get('a/5/top')?.parent).toBe('a/2/base');
  expect((await infos(store)).map(({ name, parent, kind }) => [name, parent, kind])).toEqual([
    ['base', '', 'committed'],
    ['top', 'base', 'active'],
  ]);
  expect(await faultOf(store.prepare(b, 'x', 'top'))).toBe('not_found');
});

test('only the labels that concern the backend reach it', async () => {
  await using opened = await open();
  const store = storeOf(opened.test.metadata);
  const mine = { 'containerd.io/snapshot/uidmapping': '0:1:2', other: 'x', 'containerd.io/gc.root': 'now' };
  await store.prepare(a, 'k', '', { labels: mine });
  expect(opened.backend.infos.get('a/1/k')?.labels).toEqual({ 'containerd.io/snapshot/uidmapping': '0:1:2' });
  expect((await store.stat(a, 'k')).labels).toEqual(mine);
  const changed = { 'containerd.io/snapshot/uidmapping': '', 'containerd.io/snapshot/max-size': '1', other: 'y' };
  const updated = await store.update(
    a,
    { name: 'k', labels: changed },
    Object.keys(changed).map((key) => `labels.${key}`),
  );
  expect(updated.labels).toEqual({
    'containerd.io/gc.root': 'now',
    'containerd.io/snapshot/max-size': '1',
    other: 'y',
  });
  expect(opened.backend.infos.get('a/1/k')?.labels).toEqual({ 'containerd.io/snapshot/max-size': '1' });
});

test('a key that is there is leased by who finds it there, and so is the target of snapshot.ref', async () => {
  await using opened = await open();
  const { leases } = opened.test.metadata;
  const store = storeOf(opened.test.metadata);
  await leases.create(a, { id: 'l', labels: {} });
  const leased = scopeOf('a', { lease: 'l' });
  await committed(store, 'chain');
  await store.prepare(a, 'k', '');
  expect(await faultOf(store.prepare(leased, 'k', ''))).toBe('already_exists');
  const labels = { 'containerd.io/snapshot.ref': 'chain' };
  expect(await faultOf(store.prepare(leased, 'extract', '', { labels }))).toBe('already_exists');
  expect(await leases.listResources(a, 'l')).toEqual([
    { type: 'snapshots/mem', id: 'chain' },
    { type: 'snapshots/mem', id: 'k' },
  ]);
  expect(await faultOf(store.stat(a, 'extract'))).toBe('not_found');
});

test('what the backend has for another namespace is entered under the name that was asked for', async () => {
  await using opened = await open();
  const { backend, test: metadata } = opened;
  const store = storeOf(metadata.metadata);
  const labels = { 'containerd.io/snapshot.ref': 'chain' };
  await store.prepare(a, 'extract', '', { labels });
  await store.commit(a, 'chain', 'extract', { labels });
  // As a remote snapshotter does, which knows the layer by its label.
  backend.before = (call) => {
    if (call === 'prepare') throw Object.assign(new Error('there'), { code: 'EEXIST' });
  };
  expect(await faultOf(store.prepare(b, 'extract', '', { labels }))).toBe('already_exists');
  backend.before = () => {};
  expect(await store.stat(b, 'chain')).toMatchObject({ name: 'chain', kind: 'committed', parent: '' });
  await store.prepare(b, 'top', 'chain');
  expect(backend.infos.get('b/4/top')?.parent).toBe('a/2/chain');
  // Both have it: it stays until neither does.
  await store.remove(a, 'chain');
  await metadata.metadata.containers.create(b, {
    ...{ id: 'c', labels: {}, image: '', runtime: { name: 'r' }, spec: { typeUrl: 's', value: new Uint8Array() } },
    ...{ snapshotter: 'mem', snapshotKey: 'top', extensions: {}, sandboxId: '' },
  });
  await metadata.metadata.collect(never);
  expect([...backend.infos.keys()]).toEqual(['a/2/chain', 'b/4/top']);
});

test('a commit moves the lease from the key to the name', async () => {
  await using opened = await open();
  const { leases } = opened.test.metadata;
  const store = storeOf(opened.test.metadata);
  await leases.create(a, { id: 'l', labels: {} });
  const leased = scopeOf('a', { lease: 'l' });
  await store.prepare(leased, 'k', '');
  await store.commit(a, 'name', 'k');
  expect(await leases.listResources(a, 'l')).toEqual([{ type: 'snapshots/mem', id: 'name' }]);
  expect(await faultOf(store.prepare(scopeOf('a', { lease: 'nobody' }), 'k2', ''))).toBe('not_found');
});

test('a commit checks key, name, kind and parent', async () => {
  await using opened = await open();
  const store = storeOf(opened.test.metadata);
  await committed(store, 'base');
  await store.prepare(a, 'k', 'base');
  await store.view(a, 'v', 'base');
  expect(await faultOf(store.commit(a, 'x', 'nobody'))).toBe('not_found');
  expect(await faultOf(store.commit(a, 'base', 'k'))).toBe('already_exists');
  expect(await faultOf(store.commit(a, 'x', 'v'))).toBe('failed_precondition');
  expect(await faultOf(store.commit(a, 'x', 'base'))).toBe('failed_precondition');
  expect(await faultOf(store.commit(a, 'x', 'k', { parent: 'base' }))).toBe('failed_precondition');
  await store.prepare(a, 'bare', '');
  expect(await faultOf(store.commit(a, 'x', 'bare', { parent: 'nobody' }))).toBe('not_found');
  expect(await faultOf(store.commit(a, 'x', 'bare', { parent: 'k' }))).toBe('invalid_argument');
  await store.commit(a, 'x', 'bare', { parent: 'base' });
  expect(await store.stat(a, 'x')).toMatchObject({ parent: 'base', kind: 'committed' });
  expect(await faultOf(store.remove(a, 'base'))).toBe('failed_precondition');
});

test('remove takes the row; the backend follows with a collection, children first', async () => {
  await using opened = await open();
  const { metadata } = opened.test;
  const store = storeOf(metadata);
  await committed(store, 'one');
  await committed(store, 'two', 'one');
  await store.prepare(a, 'k', 'two');
  expect(await faultOf(store.remove(a, 'two'))).toBe('failed_precondition');
  for (const key of ['k', 'two', 'one']) await store.remove(a, key);
  expect(opened.backend.infos.size).toBe(3);
  await metadata.collect(never);
  expect(opened.backend.infos.size).toBe(0);
  expect(opened.backend.cleanups).toBe(1);
});

test('a backend that hangs holds up its own key only, and the caller can leave', async () => {
  await using opened = await open();
  const { backend, test: metadata } = opened;
  const store = storeOf(metadata.metadata);
  const release = Promise.withResolvers<void>();
  backend.before = (call, key) => (key.endsWith('/stuck') && call === 'prepare' ? release.promise : undefined);
  const stuck = store.prepare(a, 'stuck', '');
  const waiting = store.prepare(scopeOf('a', { signal: AbortSignal.timeout(20) }), 'stuck', '');
  expect(await faultOf(waiting)).toBe('deadline_exceeded');
  await committed(store, 'free');
  await store.prepare(a, 'top', 'free');
  await metadata.metadata.collect(never);
  release.resolve();
  await stuck;
  expect(await store.stat(a, 'stuck')).toMatchObject({ kind: 'active' });
});

test('a parent cannot go while a child is being prepared on it', async () => {
  await using opened = await open();
  const { backend, test: metadata } = opened;
  const store = storeOf(metadata.metadata);
  await committed(store, 'base');
  const release = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  backend.before = (call) => {
    if (call !== 'prepare') return;
    begun.resolve();
    return release.promise;
  };
  const child = store.prepare(a, 'child', 'base');
  await begun.promise;
  expect(await faultOf(store.remove(a, 'base'))).toBe('failed_precondition');
  await metadata.metadata.collect(never);
  release.resolve();
  await child;
  expect(await store.stat(a, 'child')).toMatchObject({ parent: 'base' });
  expect(await store.stat(a, 'base')).toMatchObject({ kind: 'committed' });
});

test('a preparation that fails leaves nothing, also when the backend had done it', async () => {
  await using opened = await open();
  const { backend, test: metadata } = opened;
  const store = storeOf(metadata.metadata);
  backend.after = () => {
    throw new Error('answer lost');
  };
  expect(await faultOf(store.prepare(a, 'k', ''))).toBe('unknown');
  backend.after = () => {};
  expect(backend.infos.size).toBe(1);
  expect(await faultOf(store.stat(a, 'k'))).toBe('not_found');
  await metadata.metadata.collect(never);
  expect(backend.infos.size).toBe(0);
});

test('a commit whose answer was lost is found done: at the next try, or by a collection', async () => {
  for (const how of ['retry', 'collect', 'reopen'] as const) {
    await using opened = await open();
    const { backend, test: metadata } = opened;
    const labels = { 'containerd.io/gc.root': '1', mine: 'yes' };
    let store = storeOf(metadata.metadata);
    await store.prepare(a, 'k', '', { labels });
    backend.after = () => {
      throw new Error('answer lost');
    };
    expect(await faultOf(store.commit(a, 'name', 'k', { labels }))).toBe('unknown');
    backend.after = () => {};
    if (how === 'retry') expect(await faultOf(store.commit(a, 'name', 'k'))).toBe('already_exists');
    if (how === 'reopen') await metadata.reopen();
    store = storeOf(metadata.metadata);
    await metadata.metadata.collect(never);
    expect(await store.stat(a, 'name')).toMatchObject({ kind: 'committed', labels });
    expect(await faultOf(store.stat(a, 'k'))).toBe('not_found');
    expect([...backend.infos.keys()]).toEqual(['a/2/name']);
  }
});

test('a commit that the backend did not do is undone', async () => {
  await using opened = await open();
  const { backend, test: metadata } = opened;
  const store = storeOf(metadata.metadata);
  await store.prepare(a, 'k', '', { labels: { 'containerd.io/gc.root': '1' } });
  backend.before = (call) => {
    if (call === 'commit') throw new Error('no answer');
  };
  expect(await faultOf(store.commit(a, 'name', 'k'))).toBe('unknown');
  backend.before = () => {};
  await metadata.metadata.collect(never);
  expect(await store.stat(a, 'k')).toMatchObject({ kind: 'active' });
  await store.commit(a, 'name', 'k');
});

test('what a crash left in the backend goes with the first collection after the start', async () => {
  await using opened = await open();
  const { backend, test: metadata } = opened;
  const store = storeOf(metadata.metadata);
  await store.prepare(a, 'kept', '', { labels: { 'containerd.io/gc.root': '1' } });
  const scope = scopeOf('');
  await backend.prepare(scope, 'a/77/lost', '');
  await backend.commit(scope, 'a/78/lost', 'a/77/lost');
  await backend.prepare(scope, 'a/79/child', 'a/78/lost');
  await metadata.reopen();
  await metadata.metadata.collect(never);
  expect([...backend.infos.keys()]).toEqual(['a/1/kept']);
});

test('a row whose snapshot the backend has lost is no obstacle', async () => {
  await using opened = await open();
  const { backend, test: metadata } = opened;
  const store = storeOf(metadata.metadata);
  await store.prepare(a, 'k', '');
  backend.infos.clear();
  expect(await faultOf(store.stat(a, 'k'))).toBe('not_found');
  expect(await infos(store)).toEqual([]);
  await store.remove(a, 'k');
  await metadata.metadata.collect(never);
  await store.prepare(a, 'k', '');
});

test('one snapshotter that refuses does not keep the others from being cleaned', async () => {
  const [good, bad] = [new MemorySnapshotter(), new MemorySnapshotter()];
  await using opened = await openTestMetadata({
    snapshotters: new Map([
      ['good', good],
      ['bad', bad],
    ]),
  });
  for (const id of ['good', 'bad']) await opened.metadata.snapshotters.get(id)?.prepare(a, 'k', '');
  bad.before = () => {
    throw new Error('out of order');
  };
  const { removed } = await opened.metadata.collect(never);
  expect(removed).toEqual({ 'snapshot/good': 1, 'snapshot/bad': 1 });
  expect([good.infos.size, bad.infos.size]).toEqual([0, 1]);
  bad.before = () => {};
  await opened.metadata.collect(never);
  expect(bad.infos.size).toBe(0);
});

test('a snapshotter whose removals hang holds up neither collections nor the others', async () => {
  const [good, stuck] = [new MemorySnapshotter(), new MemorySnapshotter()];
  const snapshotters = new Map([
    ['good', good],
    ['stuck', stuck],
  ]);
  await using opened = await openTestMetadata({ snapshotters, patienceMs: 20 });
  const both = () =>
    Promise.all(['good', 'stuck'].map((id) => opened.metadata.snapshotters.get(id)?.prepare(a, 'k', '')));
  const release = Promise.withResolvers<void>();
  stuck.before = (call) => (call === 'remove' ? release.promise : undefined);
  for (let round = 0; round < 3; round++) {
    await both();
    await opened.metadata.collect(never);
    expect([good.infos.size, stuck.infos.size]).toEqual([0, round + 1]);
  }
  release.resolve();
  while (stuck.infos.size > 2) await setTimeout(1);
  await opened.metadata.collect(never);
  expect(stuck.infos.size).toBe(0);
});
