import { expect, test } from 'bun:test';
import { ingest } from '#core/content/content.suite';
import { scopeOf } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { MemorySnapshotter } from './memory-snapshotter.fixture.ts';
import { openTestMetadata } from './metadata.fixture.ts';

const a = scopeOf('a');
const never = new AbortController().signal;

test('a manifest that is taken up in the middle of a sweep has all its layers', async () => {
  const layers = ['l0', 'l1', 'l2', 'l3'];
  const labels = Object.fromEntries(layers.map((l, i) => [`containerd.io/gc.ref.content.l.${i}`, digestOf(l)]));
  const outcomes = new Set<string>();
  for (let stop = 0; stop < 60; stop++) {
    let steps = 0;
    let take: Promise<unknown> | undefined;
    // Each pause comes after one step; at one of them somebody tags what is about to go.
    const pace = {
      sliceMs: 0,
      async pause() {
        if (steps++ !== stop) return;
        take = content.info(a, digestOf('m')).then(() => images.create(a, { ...image, name: 'again' }));
        await faultOf(take);
      },
    };
    await using opened = await openTestMetadata({ pace });
    const { content, images } = opened.metadata;
    const image = { name: 'i', target: { mediaType: 'm', digest: digestOf('m'), size: 1 }, labels: {} };
    for (const layer of layers) await ingest(content, layer, { in: a });
    await ingest(content, 'm', { in: a, labels });
    await images.create(a, image);
    await images.delete(a, 'i');
    await opened.metadata.collect(never);
    const there = await Promise.all(['m', ...layers].map((text) => faultOf(content.info(a, digestOf(text)))));
    const taken = take !== undefined && (await faultOf(take)) === 'none';
    outcomes.add(taken ? 'taken' : 'gone');
    expect([stop, ...there]).toEqual([stop, ...there.map(() => (taken ? 'none' : 'not_found'))]);
  }
  expect([...outcomes]).toEqual(['taken', 'gone']);
});

test('a collection tells what it removed, and announces images and snapshots only', async () => {
  await using opened = await openTestMetadata({ now: () => Date.parse('2030-01-01T00:00:00Z') });
  const { content, images, leases } = opened.metadata;
  const labels = { 'containerd.io/gc.expire': '2029-12-31T00:00:00Z' };
  const digest = await ingest(content, 'x', { in: a });
  await images.create(a, { name: 'old', target: { mediaType: 'm', digest, size: 1 }, labels });
  await leases.create(a, { id: 'old', labels });
  {
    await using _ = await content.writer(a, 'left');
  }
  opened.published.length = 0;
  const { removed } = await opened.metadata.collect(never);
  expect(removed).toEqual({ content: 1, image: 1, lease: 1, ingest: 1 });
  expect(opened.published.map(({ namespace, topic }) => `${namespace} ${topic}`)).toEqual(['a /images/delete']);
  expect(await content.statuses(a)).toEqual([]);
});

test('an ingest that somebody writes is no garbage, however old', async () => {
  let clock = Date.now();
  await using opened = await openTestMetadata({ now: () => clock });
  const { content } = opened.metadata;
  {
    await using writer = await content.writer(a, 'ref');
    clock += 25 * 3600 * 1000;
    await opened.metadata.collect(never);
    await writer.write(Buffer.from('x'));
  }
  expect(await content.status(a, 'ref')).toMatchObject({ offset: 1 });
  await opened.metadata.collect(never);
  expect(await faultOf(content.status(a, 'ref'))).toBe('not_found');
});

test('a blob that is read stays until the reader is done', async () => {
  await using opened = await openTestMetadata();
  const { content } = opened.metadata;
  const digest = await ingest(content, 'x', { in: a });
  {
    await using reader = await content.open(a, digest);
    await content.delete(a, digest);
    await opened.metadata.collect(never);
    expect(Buffer.from(await reader.read(0, 1)).toString()).toBe('x');
  }
  expect((await opened.metadata.collect(never)).removed).toEqual({});
});

test('an image that has expired is kept with what it names as its holder', async () => {
  await using opened = await openTestMetadata({ now: () => Date.parse('2030-01-01T00:00:00Z') });
  const { content, images } = opened.metadata;
  const digest = await ingest(content, 'x', { in: a, labels: { 'containerd.io/gc.root': 'yes' } });
  const labels = { 'containerd.io/gc.expire': '2029-12-31T00:00:00Z', 'containerd.io/gc.bref.content.x': digest };
  const target = { mediaType: 'm', digest: digestOf('elsewhere'), size: 1 };
  await images.create(a, { name: 'old', target, labels });
  await opened.metadata.collect(never);
  expect((await images.list(a)).map(({ name }) => name)).toEqual(['old']);
  await content.delete(a, digest);
  await opened.metadata.collect(never);
  expect(await images.list(a)).toEqual([]);
});

test('a snapshot is kept with an image as long as its use is as long ago as the image says', async () => {
  let clock = Date.parse('2030-01-01T00:00:00Z');
  const mem = new MemorySnapshotter();
  await using opened = await openTestMetadata({ snapshotters: new Map([['mem', mem]]), now: () => clock });
  const { images, snapshotters } = opened.metadata;
  const snapshots = snapshotters.get('mem') as Snapshotter;
  const labels = { 'containerd.io/gc.cond.value-usedat': '2029-12-31T23:00:00Z' };
  await snapshots.prepare(a, 'new', '', { labels });
  await snapshots.prepare(a, 'never used', '');
  await snapshots.prepare(scopeOf('b'), 'new', '', { labels });
  const target = { mediaType: 'm', digest: digestOf('elsewhere'), size: 1 };
  const conditions = {
    'containerd.io/gc.cond.snapshot.mem': 'usedat<2h|new',
    'containerd.io/gc.cond.snapshot.mem/x': 'usedat<2h|never used',
  };
  await images.create(a, { name: 'i', target, labels: conditions });
  await opened.metadata.collect(never);
  expect([...mem.infos.keys()].map((key) => key.replace(/\/\d+/, ''))).toEqual(['a/new']);
  clock += 3_600_000;
  await opened.metadata.collect(never);
  expect(mem.infos.size).toBe(0);
});

test('what has no row goes with its lease, once; a failure to remove it is no failure of the collection', async () => {
  await using opened = await openTestMetadata();
  const { leases } = opened.metadata;
  const removed: string[] = [];
  const things = [
    { namespace: 'a', key: 'kept', lease: 'l' },
    { namespace: 'a', key: 'left', lease: 'gone' },
    { namespace: 'b', key: 'of another namespace', lease: 'l' },
    { namespace: 'a', key: 'root', root: true },
    {
      namespace: 'a',
      key: 'kept with another',
      backReferences: [{ kind: 'lease', namespace: 'a', key: 'l' } as const],
    },
  ];
  opened.metadata.addCollectible({
    kind: 'thing',
    all: () => things,
    async remove(namespace, key) {
      removed.push(`${namespace}/${key}`);
      throw new Error('busy');
    },
  });
  await leases.create(a, { id: 'l', labels: {} });
  expect((await opened.metadata.collect(never)).removed).toEqual({ 'other/thing': 2 });
  expect(removed.sort()).toEqual(['a/left', 'b/of another namespace']);
  expect(() => opened.metadata.addCollectible({ kind: 'thing', all: () => [], remove: async () => {} })).toThrow();
});

test('what expires is told when it is made, and by each collection that leaves it', async () => {
  const nowMs = Date.parse('2030-01-01T00:00:00Z');
  await using opened = await openTestMetadata({ now: () => nowMs });
  const { images, leases } = opened.metadata;
  const told: (number | undefined)[] = [];
  opened.metadata.onMutation(({ expiresAtMs }) => void told.push(expiresAtMs));
  const target = { mediaType: 'm', digest: digestOf('x'), size: 1 };
  await leases.create(a, { id: 'late', labels: { 'containerd.io/gc.expire': '2030-01-03T00:00:00Z' } });
  await images.create(a, { name: 'i', target, labels: { 'containerd.io/gc.expire': '2030-01-02T00:00:00Z' } });
  await leases.create(a, { id: 'never', labels: {} });
  expect(told).toEqual([nowMs + 2 * 86_400_000, nowMs + 86_400_000, undefined]);
  expect((await opened.metadata.collect(never)).nextExpiryMs).toBe(nowMs + 86_400_000);
  await images.delete(a, 'i');
  await leases.delete(a, 'late');
  expect((await opened.metadata.collect(never)).nextExpiryMs).toBeUndefined();
});
