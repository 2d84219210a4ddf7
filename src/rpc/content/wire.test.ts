import { expect, test } from 'bun:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Content,
  WriteAction,
  type WriteContentRequestSchema,
  type WriteContentResponse,
} from '#api/services/content/v1/content_pb';
import { ingest } from '#core/content/content.suite';
import { memoryContent } from '#core/content/memory';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { clientOf, withScope } from '../grpc-client.ts';
import { inProcess } from '../in-process.ts';
import { serveContent } from './server.ts';

// What clients other than ours may say, and what is said to them: the parts of the protocol that no store sees.

const scope = scopeOf('test');
const bytes = (text: string) => new TextEncoder().encode(text);
type Request = MessageInitShape<typeof WriteContentRequestSchema>;

async function serve() {
  const store = memoryContent();
  const server = await inProcess([serveContent(store)]);
  const client = clientOf(Content, server.transport);
  const talk = () => {
    const call = client.write(withScope(scope));
    return {
      ask: async (request: Request): Promise<WriteContentResponse> => {
        await call.send(request);
        const { done, value } = await call.next();
        if (done) throw new Error('the server has ended the conversation');
        return value;
      },
      hangUp: async () => {
        call.end();
        for await (const _ of call);
      },
      [Symbol.dispose]: () => call[Symbol.dispose](),
    };
  };
  return { store, client, talk, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const { STAT, WRITE, COMMIT } = WriteAction;
const offsetsOf = async (chunks: AsyncIterable<{ readonly offset: bigint; readonly data: Uint8Array }>) => {
  const found: [bigint, string][] = [];
  for await (const { offset, data } of chunks) found.push([offset, Buffer.from(data).toString()]);
  return found;
};

test('the first message must name the ingest, and no later one another', async () => {
  await using server = await serve();
  using nameless = server.talk();
  expect(await faultOf(nameless.ask({ action: WRITE, data: bytes('x') }))).toBe('invalid_argument');
  using talk = server.talk();
  await talk.ask({ action: STAT, ref: 'a' });
  expect(await faultOf(talk.ask({ action: STAT, ref: 'b' }))).toBe('invalid_argument');
  using unknown = server.talk();
  expect(await faultOf(unknown.ask({ action: 9 as never, ref: 'c' }))).toBe('invalid_argument');
});

test('each answer tells offset and digest, a status also the times and the total', async () => {
  await using server = await serve();
  using talk = server.talk();
  const status = await talk.ask({ action: STAT, ref: 'r', total: 10n });
  expect(status).toMatchObject({ action: STAT, offset: 0n, total: 10n, digest: digestOf('') });
  expect(status.startedAt?.seconds).toBeGreaterThan(0n);
  expect(status.updatedAt?.seconds).toBeGreaterThan(0n);
  const written = await talk.ask({ action: WRITE, data: bytes('hello') });
  expect(written).toMatchObject({ action: WRITE, offset: 5n, digest: digestOf('hello') });
  const more = await talk.ask({ action: WRITE, offset: 5n, data: bytes('world') });
  expect(more).toMatchObject({ offset: 10n, digest: digestOf('helloworld') });
  const done = await talk.ask({ action: COMMIT, offset: 10n, labels: { a: 'b' } });
  expect(done).toMatchObject({ action: COMMIT, offset: 10n, digest: digestOf('helloworld') });
  expect((await server.store.info(scope, digestOf('helloworld'))).labels).toEqual({ a: 'b' });
});

test('a write belongs at the present offset, or at nought, where it starts again', async () => {
  await using server = await serve();
  using ahead = server.talk();
  await ahead.ask({ action: WRITE, ref: 'r', data: bytes('12345') });
  expect(await faultOf(ahead.ask({ action: WRITE, offset: 4n, data: bytes('x') }))).toBe('out_of_range');
  using again = server.talk();
  expect((await again.ask({ action: STAT, ref: 'r' })).offset).toBe(5n);
  expect((await again.ask({ action: WRITE, data: bytes('abc') })).offset).toBe(3n);
  const whole = await again.ask({ action: COMMIT, offset: 0n, data: bytes('all at once'), total: 11n });
  expect(whole.digest).toBe(digestOf('all at once'));
});

test('hanging up keeps what was written and frees the name; until then nobody else may write', async () => {
  await using server = await serve();
  using first = server.talk();
  await first.ask({ action: WRITE, ref: 'r', data: bytes('12345') });
  using second = server.talk();
  expect(await faultOf(second.ask({ action: STAT, ref: 'r' }))).toBe('unavailable');
  await first.hangUp();
  using third = server.talk();
  expect((await third.ask({ action: STAT, ref: 'r' })).offset).toBe(5n);
});

test('a client that goes away without a word frees the name too', async () => {
  await using server = await serve();
  const first = server.talk();
  await first.ask({ action: WRITE, ref: 'r', data: bytes('12345') });
  first[Symbol.dispose]();
  const until = performance.now() + 60_000;
  const reopen = async () => {
    using talk = server.talk();
    return (await talk.ask({ action: STAT, ref: 'r' })).offset;
  };
  let offset: bigint | undefined;
  while (offset === undefined && performance.now() < until) offset = await reopen().catch(() => undefined);
  expect(offset).toBe(5n);
});

test('a commit checks what was said of the blob, whenever it was said', async () => {
  await using server = await serve();
  using sized = server.talk();
  await sized.ask({ action: WRITE, ref: 'r', total: 6n, data: bytes('12345') });
  expect(await faultOf(sized.ask({ action: COMMIT, offset: 5n }))).toBe('failed_precondition');
  using named = server.talk();
  await named.ask({ action: STAT, ref: 'r', expected: digestOf('123456') });
  expect(await faultOf(named.ask({ action: COMMIT, offset: 5n }))).toBe('failed_precondition');
  using right = server.talk();
  await right.ask({ action: STAT, ref: 'r' });
  const done = await right.ask({ action: COMMIT, offset: 5n, total: 5n, expected: digestOf('12345') });
  expect(done.digest).toBe(digestOf('12345'));
  using bad = server.talk();
  expect(await faultOf(bad.ask({ action: STAT, ref: 'b', expected: 'sha256:12' }))).toBe('invalid_argument');
});

test('a blob that is there already ends the conversation, and the ingest with it', async () => {
  await using server = await serve();
  const digest = await ingest(server.store, 'there');
  using atOnce = server.talk();
  expect(await faultOf(atOnce.ask({ action: STAT, ref: 'r', expected: digest }))).toBe('already_exists');
  using later = server.talk();
  await later.ask({ action: WRITE, ref: 'r', data: bytes('the') });
  expect(await faultOf(later.ask({ action: WRITE, offset: 3n, data: bytes('re'), expected: digest }))).toBe(
    'already_exists',
  );
  expect(await faultOf(server.store.status(scope, 'r'))).toBe('not_found');
});

test('a read counts its offsets from its own start, and a size of nought or too much means to the end', async () => {
  await using server = await serve();
  const digest = await ingest(server.store, '0123456789');
  const read = (offset: bigint, size: bigint) =>
    offsetsOf(server.client.read({ digest, offset, size }, withScope(scope)));
  expect(await read(3n, 4n)).toEqual([[0n, '3456']]);
  expect(await read(7n, 0n)).toEqual([[0n, '789']]);
  expect(await read(7n, 2n ** 62n)).toEqual([[0n, '789']]);
  expect(await read(-5n, -1n)).toEqual([[0n, '0123456789']]);
  expect(await read(10n, 5n)).toEqual([]);
  expect(await faultOf(read(11n, 1n))).toBe('out_of_range');
  expect(await faultOf(offsetsOf(server.client.read({ digest: 'sha256:x' }, withScope(scope))))).toBe(
    'invalid_argument',
  );
  expect(await faultOf(offsetsOf(server.client.read({ digest }, withScope(scopeOf('other')))))).toBe('not_found');
});

test('a long read comes in chunks of a mebibyte, a long list in blocks of a hundred', async () => {
  await using server = await serve();
  const digest = await ingest(server.store, new Uint8Array((5 << 20) / 2));
  const chunks = await offsetsOf(server.client.read({ digest }, withScope(scope)));
  expect(chunks.map(([offset, text]) => [offset, text.length])).toEqual([
    [0n, 1 << 20],
    [1n << 20n, 1 << 20],
    [2n << 20n, 1 << 19],
  ]);
  for (let i = 0; i < 120; i++) await ingest(server.store, `blob ${i}`);
  const blocks: number[] = [];
  for await (const { info } of server.client.list({}, withScope(scope))) blocks.push(info.length);
  expect(blocks).toEqual([100, 21]);
});
