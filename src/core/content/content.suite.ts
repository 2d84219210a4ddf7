import { expect, test } from 'bun:test';
import { compare } from '#base/timestamp';
import { scopeOf } from '#core/scope';
import { faultOf, type OpenSubject } from '#core/subject';
import { type Digest, digestOf } from '#lib/digest';
import type { BlobInfo, ContentStore, WriterOptions } from './content.ts';

const scope = scopeOf('test');
const bytesOf = (text: string) => Buffer.from(text);

/** Writes and commits in one go. */
export async function ingest(
  store: ContentStore,
  text: string | Uint8Array,
  options: { readonly in?: typeof scope; readonly ref?: string; readonly labels?: Record<string, string> } = {},
): Promise<Digest> {
  const bytes = typeof text === 'string' ? bytesOf(text) : text;
  const digest = digestOf(bytes);
  await using writer = await store.writer(options.in ?? scope, options.ref ?? `ingest-${digest}`, {
    total: bytes.length,
    expected: digest,
  });
  await writer.write(bytes);
  return await writer.commit(bytes.length, digest, options.labels);
}

async function blobs(store: ContentStore, filters: readonly string[] = [], within = scope): Promise<BlobInfo[]> {
  const found: BlobInfo[] = [];
  for await (const info of store.walk(within, filters)) found.push(info);
  return found.sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

async function contentOf(store: ContentStore, digest: Digest): Promise<string> {
  await using reader = await store.open(scope, digest);
  return Buffer.from(await reader.read(0, reader.size)).toString();
}

/** What every content store promises; `namespaced` when it is one that keeps namespaces apart, `labels` when it stores them, `remote` when it is in a daemon. */
export function contentStoreSuite(
  label: string,
  open: OpenSubject<ContentStore>,
  {
    namespaced,
    labels,
    remote = false,
  }: { readonly namespaced: boolean; readonly labels: boolean; readonly remote?: boolean },
): void {
  committed(label, open);
  resumed(label, open);
  refused(label, open);
  if (!remote) shortened(label, open);
  if (labels) labelled(label, open);
  if (namespaced) divided(label, open);
}

function shortened(label: string, open: OpenSubject<ContentStore>): void {
  test(`${label}: an ingest is cut back to less`, async () => {
    await using subject = await open();
    const { store } = subject;
    await using writer = await store.writer(scope, 'ref');
    await writer.write(bytesOf('0123456789'));
    await writer.truncate(4);
    expect(writer.digest()).toBe(digestOf('0123'));
    expect(await faultOf(writer.truncate(5))).toBe('out_of_range');
    await writer.write(bytesOf('x'));
    expect(await contentOf(store, await writer.commit(5, undefined))).toBe('0123x');
  });
}

function committed(label: string, open: OpenSubject<ContentStore>): void {
  test(`${label}: what was committed is read back, whole and in parts`, async () => {
    await using subject = await open();
    const { store } = subject;
    const digest = await ingest(store, 'hello world');
    const info = await store.info(scope, digest);
    expect(info).toMatchObject({ digest: digestOf('hello world'), size: 11 });
    expect(await blobs(store)).toEqual([info]);
    await using reader = await store.open(scope, digest);
    expect(reader.size).toBe(11);
    const part = async (offset: number, length: number) => Buffer.from(await reader.read(offset, length)).toString();
    expect(await part(0, 5)).toBe('hello');
    expect(await part(6, 5)).toBe('world');
    expect(await part(6, 500)).toBe('world');
    expect(await part(11, 5)).toBe('');
    expect(await part(500, 5)).toBe('');
    expect(await store.statuses(scope)).toEqual([]);
  });

  test(`${label}: other algorithms than sha256 name a blob when they are expected`, async () => {
    await using subject = await open();
    const { store } = subject;
    for (const algorithm of ['sha384', 'sha512'] as const) {
      const digest = digestOf(`by ${algorithm}`, algorithm);
      await using early = await store.writer(scope, `early-${algorithm}`, { expected: digest });
      await early.write(bytesOf(`by ${algorithm}`));
      expect(await early.commit(0, digest)).toBe(digest);
      expect(await contentOf(store, digest)).toBe(`by ${algorithm}`);
      const late = digestOf(`late ${algorithm}`, algorithm);
      await using writer = await store.writer(scope, `late-${algorithm}`);
      await writer.write(bytesOf(`late ${algorithm}`));
      expect(await writer.commit(0, late)).toBe(late);
      expect(await contentOf(store, late)).toBe(`late ${algorithm}`);
    }
  });

  test(`${label}: nothing is a blob too, and big ones come through`, async () => {
    await using subject = await open();
    const { store } = subject;
    expect(await contentOf(store, await ingest(store, ''))).toBe('');
    const big = Buffer.alloc(5 * (1 << 20) + 17, 'berth');
    expect(await contentOf(store, await ingest(store, big))).toBe(big.toString());
  });

  test(`${label}: the digest so far follows the bytes`, async () => {
    await using subject = await open();
    const { store } = subject;
    await using writer = await store.writer(scope, 'ref', { total: 6 });
    expect(writer.digest()).toBe(digestOf(''));
    await writer.write(bytesOf('abc'));
    expect(writer.digest()).toBe(digestOf('abc'));
    await writer.write(bytesOf('def'));
    expect(writer.digest()).toBe(digestOf('abcdef'));
    expect(writer.status()).toMatchObject({ ref: 'ref', offset: 6, total: 6 });
  });

  test(`${label}: a deleted blob is gone`, async () => {
    await using subject = await open();
    const { store } = subject;
    const digest = await ingest(store, 'x');
    await store.delete(scope, digest);
    expect(await faultOf(store.info(scope, digest))).toBe('not_found');
    expect(await faultOf(store.open(scope, digest))).toBe('not_found');
    expect(await faultOf(store.delete(scope, digest))).toBe('not_found');
    expect(await blobs(store)).toEqual([]);
    expect(await contentOf(store, await ingest(store, 'x'))).toBe('x');
  });

  test(`${label}: walks are filtered by digest`, async () => {
    await using subject = await open();
    const { store } = subject;
    const [a, b] = [await ingest(store, 'a'), await ingest(store, 'b')];
    await ingest(store, 'c');
    const found = await blobs(store, [`digest==${a}`, `digest~=${b.slice(7)}`]);
    expect(found.map(({ digest }) => digest)).toEqual([a, b].sort());
  });
}

function resumed(label: string, open: OpenSubject<ContentStore>): void {
  test(`${label}: an ingest that was left is taken up where it stood`, async () => {
    await using subject = await open();
    const { store } = subject;
    {
      await using writer = await store.writer(scope, 'ref', { total: 10, expected: digestOf('0123456789') });
      await writer.write(bytesOf('0123'));
    }
    const left = await store.status(scope, 'ref');
    expect(left).toMatchObject({ ref: 'ref', offset: 4, total: 10 });
    expect(compare(left.updatedAt, left.startedAt)).toBeGreaterThanOrEqual(0);
    await using writer = await store.writer(scope, 'ref', { total: 10, expected: digestOf('0123456789') });
    expect(writer.status()).toMatchObject({ offset: 4, startedAt: left.startedAt });
    expect(writer.digest()).toBe(digestOf('0123'));
    await writer.write(bytesOf('456789'));
    expect(await contentOf(store, await writer.commit(10, digestOf('0123456789')))).toBe('0123456789');
    expect(await faultOf(store.status(scope, 'ref'))).toBe('not_found');
  });

  test(`${label}: an ingest is cut back to nothing`, async () => {
    await using subject = await open();
    const { store } = subject;
    await using writer = await store.writer(scope, 'ref');
    await writer.write(bytesOf('wrong'));
    await writer.truncate(0);
    expect(writer.status().offset).toBe(0);
    expect(writer.digest()).toBe(digestOf(''));
    await writer.write(bytesOf('right'));
    for (const size of [6, -1, 1.5]) expect(await faultOf(writer.truncate(size))).toBe('out_of_range');
    expect(await contentOf(store, await writer.commit(5, digestOf('right')))).toBe('right');
  });

  test(`${label}: ingests are listed, filtered and forgotten`, async () => {
    await using subject = await open();
    const { store } = subject;
    for (const ref of ['a', 'b']) {
      await using writer = await store.writer(scope, ref);
      await writer.write(bytesOf(ref));
    }
    const refs = async (...filters: string[]) => (await store.statuses(scope, filters)).map(({ ref }) => ref).sort();
    expect(await refs()).toEqual(['a', 'b']);
    expect(await refs('ref==b')).toEqual(['b']);
    await store.abort(scope, 'a');
    expect(await refs()).toEqual(['b']);
    expect(await faultOf(store.abort(scope, 'a'))).toBe('not_found');
    await using again = await store.writer(scope, 'a');
    expect(again.status().offset).toBe(0);
  });

  test(`${label}: one writer holds a ref until it is done`, async () => {
    await using subject = await open();
    const { store } = subject;
    {
      await using writer = await store.writer(scope, 'ref');
      await writer.write(bytesOf('x'));
      expect(await faultOf(store.writer(scope, 'ref'))).toBe('unavailable');
      expect(await store.writer(scope, 'ref').catch((e: Error) => e.message)).toContain('locked for');
      expect(await faultOf(store.abort(scope, 'ref'))).toBe('unavailable');
    }
    await using writer = await store.writer(scope, 'ref');
    await writer.commit(0, undefined);
    await using next = await store.writer(scope, 'ref');
    expect(next.status().offset).toBe(0);
  });
}

function refused(label: string, open: OpenSubject<ContentStore>): void {
  test(`${label}: a commit of other bytes or another size fails, and the ingest stays`, async () => {
    await using subject = await open();
    const { store } = subject;
    {
      await using writer = await store.writer(scope, 'ref', { total: 3 });
      await writer.write(bytesOf('abc'));
      expect(await faultOf(writer.commit(4, undefined))).toBe('failed_precondition');
      expect(await faultOf(writer.commit(3, digestOf('abd')))).toBe('failed_precondition');
    }
    expect(await blobs(store)).toEqual([]);
    expect(await store.status(scope, 'ref')).toMatchObject({ offset: 3 });
    await using writer = await store.writer(scope, 'ref');
    expect(await writer.commit(3, digestOf('abc'))).toBe(digestOf('abc'));
  });

  test(`${label}: a blob that is there is not made again`, async () => {
    await using subject = await open();
    const { store } = subject;
    await using slow = await store.writer(scope, 'slow');
    await slow.write(bytesOf('same'));
    const digest = await ingest(store, 'same');
    expect(await faultOf(slow.commit(4, digest))).toBe('already_exists');
    expect(await faultOf(store.status(scope, 'slow'))).toBe('not_found');
    expect(await contentOf(store, digest)).toBe('same');
  });

  test(`${label}: what is not there is not found, and a ref has a name`, async () => {
    await using subject = await open();
    const { store } = subject;
    const digest = digestOf('nothing');
    expect(await faultOf(store.info(scope, digest))).toBe('not_found');
    expect(await faultOf(store.open(scope, digest))).toBe('not_found');
    expect(await faultOf(store.delete(scope, digest))).toBe('not_found');
    expect(await faultOf(store.status(scope, 'ref'))).toBe('not_found');
    expect(await faultOf(store.abort(scope, 'ref'))).toBe('not_found');
    expect(await faultOf(store.writer(scope, ''))).toBe('invalid_argument');
  });
}

function labelled(label: string, open: OpenSubject<ContentStore>): void {
  test(`${label}: labels come with the commit and are changed one by one or all`, async () => {
    await using subject = await open();
    const { store } = subject;
    const digest = await ingest(store, 'x', { labels: { a: '1', b: '2', empty: '' } });
    const made = await store.info(scope, digest);
    expect(made.labels).toEqual({ a: '1', b: '2' });
    const masked = await store.update(scope, { digest, labels: { b: '', c: '3' } }, ['labels.b', 'labels.c']);
    expect(masked.labels).toEqual({ a: '1', c: '3' });
    expect(masked.createdAt).toEqual(made.createdAt);
    expect(compare(masked.updatedAt, made.updatedAt)).toBeGreaterThan(0);
    expect(await blobs(store, ['labels.c==3'])).toEqual([masked]);
    expect(await blobs(store, ['labels.b'])).toEqual([]);
    expect((await store.update(scope, { digest, labels: { z: '9' } })).labels).toEqual({ z: '9' });
    expect(await faultOf(store.update(scope, { digest, labels: {} }, ['size']))).toBe('invalid_argument');
    const big = { digest, labels: { k: 'x'.repeat(4096) } };
    expect(await faultOf(store.update(scope, big))).toBe('invalid_argument');
    expect(await faultOf(store.update(scope, { digest: digestOf('other'), labels: {} }))).toBe('not_found');
  });
}

function divided(label: string, open: OpenSubject<ContentStore>): void {
  const other = scopeOf('other');

  test(`${label}: an expected blob that is there is told at once`, async () => {
    await using subject = await open();
    const { store } = subject;
    const digest = await ingest(store, 'same');
    expect(await faultOf(store.writer(scope, 'again', { expected: digest } satisfies WriterOptions))).toBe(
      'already_exists',
    );
  });

  test(`${label}: a namespace sees its own blobs and ingests only`, async () => {
    await using subject = await open();
    const { store } = subject;
    const digest = await ingest(store, 'x', { labels: { a: '1' } });
    await using writer = await store.writer(scope, 'ref');
    expect(await faultOf(store.info(other, digest))).toBe('not_found');
    expect(await faultOf(store.open(other, digest))).toBe('not_found');
    expect(await faultOf(store.delete(other, digest))).toBe('not_found');
    expect(await faultOf(store.status(other, 'ref'))).toBe('not_found');
    expect(await blobs(store, [], other)).toEqual([]);
    expect(await store.statuses(other)).toEqual([]);
    await using same = await store.writer(other, 'ref');
    expect(same.status().offset).toBe(writer.status().offset);
  });

  test(`${label}: what one namespace deletes the other keeps`, async () => {
    await using subject = await open();
    const { store } = subject;
    const digest = await ingest(store, 'shared');
    {
      await using writer = await store.writer(other, 'ref');
      await writer.write(bytesOf('shared'));
      await writer.commit(6, digest, { mine: 'yes' });
    }
    await store.delete(scope, digest);
    expect((await store.info(other, digest)).labels).toEqual({ mine: 'yes' });
    await using reader = await store.open(other, digest);
    expect(Buffer.from(await reader.read(0, 6)).toString()).toBe('shared');
  });
}
