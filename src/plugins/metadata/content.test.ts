import { expect, test } from 'bun:test';
import { contentStoreSuite, ingest } from '#core/content/content.suite';
import { memoryContent } from '#core/content/memory';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { asBackend, openTestMetadata } from './metadata.fixture.ts';

const [a, b] = [scopeOf('a'), scopeOf('b')];

for (const policy of ['shared', 'isolated'] as const) {
  contentStoreSuite(
    `metadata, ${policy}`,
    async () => {
      const opened = await openTestMetadata({ policy });
      return { store: opened.metadata.content, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
    },
    { namespaced: true, labels: true },
  );
}

test('shared: a blob of another namespace needs no bytes, only a commit', async () => {
  await using opened = await openTestMetadata();
  const { content } = opened.metadata;
  const digest = await ingest(content, 'shared', { in: a });
  await using writer = await content.writer(b, 'ref', { expected: digest, total: 6 });
  expect(writer.status()).toMatchObject({ offset: 6, total: 6, expected: digest });
  expect(writer.digest()).toBe(digest);
  expect(writer.path).toBeUndefined();
  expect(await faultOf(writer.commit(7, digest))).toBe('failed_precondition');
  expect(await faultOf(writer.commit(6, digestOf('other')))).toBe('failed_precondition');
  expect(await writer.commit(6, digest, { mine: '1' })).toBe(digest);
  expect(await content.info(b, digest)).toMatchObject({ size: 6, labels: { mine: '1' } });
  expect(await content.statuses(b)).toEqual([]);
});

test('shared: a linked ingest that is cut or written to becomes an ordinary one', async () => {
  await using opened = await openTestMetadata();
  const { content } = opened.metadata;
  const digest = await ingest(content, 'shared', { in: a });
  {
    await using writer = await content.writer(b, 'ref', { expected: digest });
    await writer.truncate(0);
    expect(writer.status().offset).toBe(0);
    await writer.write(Buffer.from('shared'));
    expect(await writer.commit(6, digest)).toBe(digest);
  }
  const other = await ingest(content, 'shared more', { in: a });
  await using writer = await content.writer(scopeOf('c'), 'ref', { expected: digest });
  await writer.write(Buffer.from(' more'));
  expect(writer.digest()).toBe(other);
  expect(await faultOf(writer.commit(0, digest))).toBe('failed_precondition');
  expect(await writer.commit(0, other)).toBe(other);
});

test('isolated: the bytes have to be sent, unless the owner is shareable', async () => {
  await using opened = await openTestMetadata({ policy: 'isolated' });
  const { content, namespaces } = opened.metadata;
  const digest = await ingest(content, 'mine', { in: a });
  {
    await using writer = await content.writer(b, 'ref', { expected: digest });
    expect(writer.status().offset).toBe(0);
    expect(await faultOf(writer.commit(4, digest))).toBe('failed_precondition');
    await writer.write(Buffer.from('mine'));
    await writer.commit(4, digest);
  }
  await namespaces.update({ name: 'a', labels: { 'containerd.io/namespace.shareable': 'true' } });
  await using writer = await content.writer(scopeOf('c'), 'ref', { expected: digest });
  expect(writer.status().offset).toBe(4);
});

test('what a lease made stays with the lease: ingests, blobs, and blobs that were there', async () => {
  await using opened = await openTestMetadata();
  const { content, leases } = opened.metadata;
  await leases.create(a, { id: 'l', labels: {} });
  const leased = scopeOf('a', { lease: 'l' });
  const resources = () => leases.listResources(a, 'l');
  const digest = digestOf('x');
  {
    await using writer = await content.writer(leased, 'ref', { expected: digest });
    await writer.write(Buffer.from('x'));
    expect(await resources()).toEqual([{ type: 'ingests', id: 'ref' }]);
    await writer.commit(1, digest);
  }
  expect(await resources()).toEqual([{ type: 'content', id: digest }]);
  const there = await ingest(content, 'y', { in: a });
  expect(await faultOf(content.writer(leased, 'other', { expected: there }))).toBe('already_exists');
  expect(await resources()).toContainEqual({ type: 'content', id: there });
});

test('an ingest that was begun in a lease goes with it, another stays for its time, one that is written stays', async () => {
  await using opened = await openTestMetadata();
  const { content, leases } = opened.metadata;
  await leases.create(a, { id: 'l', labels: {} });
  const leased = scopeOf('a', { lease: 'l' });
  const begin = async (ref: string, scope = leased) => {
    await using writer = await content.writer(scope, ref);
    await writer.write(Buffer.from(ref));
  };
  await begin('mine');
  await begin('free', a);
  await begin('taken up');
  await begin('taken up', a);
  await using _ = await content.writer(leased, 'open');
  await leases.delete(a, 'l');
  await opened.metadata.collect(new AbortController().signal);
  expect((await content.statuses(a)).map(({ ref }) => ref)).toEqual(['free', 'open', 'taken up']);
});

test('a lease that is not there stops the ingest, before and after', async () => {
  await using opened = await openTestMetadata();
  const { content, leases } = opened.metadata;
  const leased = scopeOf('a', { lease: 'l' });
  expect(await faultOf(content.writer(leased, 'ref'))).toBe('not_found');
  expect(await content.statuses(a)).toEqual([]);
  await leases.create(a, { id: 'l', labels: {} });
  await using writer = await content.writer(leased, 'ref');
  await writer.write(Buffer.from('x'));
  await leases.delete(a, 'l');
  expect(await faultOf(writer.commit(1, digestOf('x')))).toBe('not_found');
  expect(await faultOf(content.info(a, digestOf('x')))).toBe('not_found');
});

test('an ingest without bytes of its own outlives a restart', async () => {
  await using opened = await openTestMetadata();
  {
    await using writer = await opened.metadata.content.writer(a, 'ref', { total: 5, expected: digestOf('x') });
    await writer.write(Buffer.from('ab'));
  }
  await opened.reopen();
  const status = await opened.metadata.content.status(a, 'ref');
  expect(status).toMatchObject({ ref: 'ref', offset: 2, total: 5, expected: digestOf('x') });
});

test('the backend knows ingests by namespace and number, and keeps no labels', async () => {
  const backend = memoryContent();
  await using opened = await openTestMetadata({ content: asBackend(backend) });
  const { content } = opened.metadata;
  await using one = await content.writer(a, 'ref');
  await using two = await content.writer(b, 'ref');
  const refs = (await backend.statuses(scopeOf('backend'))).map(({ ref }) => ref);
  expect(refs).toEqual(['a/1/ref', 'b/2/ref']);
  await one.write(Buffer.from('x'));
  await one.commit(1, undefined, { k: 'v' });
  expect((await backend.info(scopeOf('backend'), digestOf('x'))).labels).toEqual({});
  expect(two.status().offset).toBe(0);
});

test('an ingest that the backend could not begin is not there afterwards; one that was there before is', async () => {
  const backend = asBackend(memoryContent());
  await using opened = await openTestMetadata({ content: backend });
  const { content } = opened.metadata;
  {
    await using writer = await content.writer(a, 'old');
    await writer.write(Buffer.from('x'));
  }
  const { writer } = backend;
  Object.assign(backend, { writer: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) });
  expect(await faultOf(content.writer(a, 'new'))).toBe('resource_exhausted');
  expect(await faultOf(content.writer(a, 'old'))).toBe('resource_exhausted');
  Object.assign(backend, { writer });
  expect((await content.statuses(a)).map(({ ref, offset }) => [ref, offset])).toEqual([['old', 1]]);
  await using again = await content.writer(a, 'new');
  expect(again.status().offset).toBe(0);
});
