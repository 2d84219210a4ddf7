import { expect, test } from 'bun:test';
import { ingest } from '#core/content/content.suite';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
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
