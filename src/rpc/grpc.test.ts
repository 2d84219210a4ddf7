import { expect, test } from 'bun:test';
import { connect } from 'node:net';
import type { Any } from '@bufbuild/protobuf/wkt';
import { Metadata } from '@grpc/grpc-js';
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from '#api/grpc/health/v1/health_pb';
import { Content } from '#api/services/content/v1/content_pb';
import { Events } from '#api/services/events/v1/events_pb';
import { Images } from '#api/services/images/v1/images_pb';
import { Streaming } from '#api/services/streaming/v1/streaming_pb';
import { Version } from '#api/services/version/v1/version_pb';
import { abortable, sleep } from '#base/cancellation';
import { classOf, type ErrorClass, Fault, fault, messageOf, phrases } from '#base/errors';
import { createLog } from '#base/log';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import type { Call, CallInfo } from './call.ts';
import { clientOf, withScope } from './grpc-client.ts';
import { inProcess } from './in-process.ts';
import { defineService } from './service.ts';

const scope = scopeOf('default');
const forever = (signal: AbortSignal) => abortable(Promise.withResolvers<never>().promise, signal);

async function caught(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

/** A service that shows its calls to the test and answers `version` with what the test wants. */
function versionService(answer: (call: Call) => Promise<string>) {
  return defineService(Version, { version: async (_, call) => ({ version: await answer(call), revision: '' }) });
}

test('a call carries namespace and lease, and its answer comes back', async () => {
  const seen: unknown[] = [];
  await using server = await inProcess([
    versionService(async (call) => {
      seen.push(call.scope.namespace, call.scope.lease, call.header('x-other'));
      return '1.7.0';
    }),
  ]);
  const client = clientOf(Version, server.transport);
  const options = withScope(scopeOf('k8s.io', { lease: 'l1' }));
  const answer = await client.version({}, { ...options, headers: { ...options.headers, 'x-other': 'y' } });
  expect(answer.version).toBe('1.7.0');
  expect(seen).toEqual(['k8s.io', 'l1', 'y']);
});

test('a handler that needs a namespace refuses a call without one, or with one that is malformed', async () => {
  await using server = await inProcess([versionService(async (call) => call.scope.namespace)]);
  const client = clientOf(Version, server.transport);
  const none = await caught(client.version({}));
  expect([none.class, none.message]).toEqual(['failed_precondition', 'namespace is required: failed precondition']);
  for (const bad of ['a/../b', 'x'.repeat(77), 'ü', 'a\nb']) {
    expect(await faultOf(client.version({}, withScope(scopeOf(bad))))).toBe('invalid_argument');
  }
});

test('what a handler throws arrives with its class and its words', async () => {
  const classes = Object.keys(phrases) as ErrorClass[];
  let next: ErrorClass = 'unknown';
  await using server = await inProcess([
    versionService(async () => {
      throw fault(next, 'image "ü%\n1"');
    }),
  ]);
  const client = clientOf(Version, server.transport);
  for (next of classes) {
    const received = await caught(client.version({}));
    expect([received.class, received.message]).toEqual([next, `image "ü%\n1": ${phrases[next]}`]);
  }
});

test('an unexpected error is told without its stack, and logged with it', async () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'json', write: (line) => lines.push(line) });
  const service = versionService(async () => {
    throw new TypeError('x is not a function');
  });
  await using server = await inProcess([service], { log });
  const received = await caught(clientOf(Version, server.transport).version({}));
  expect([received.class, received.message]).toEqual(['unknown', 'x is not a function: unknown']);
  expect(lines.length).toBe(1);
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    msg: 'call failed',
    method: 'Version',
    error: 'x is not a function',
    stack: expect.stringContaining('grpc.test.ts'),
  });
});

test('a method or a service that nobody answers is not implemented', async () => {
  await using server = await inProcess([defineService(Health, {})]);
  for (const call of [clientOf(Version, server.transport).version({}), clientOf(Health, server.transport).check({})]) {
    expect(await faultOf(call)).toBe('not_implemented');
  }
});

test('a deadline is told to the server, ends the call, and fires the signal of its handler with that reason', async () => {
  const reason = Promise.withResolvers<string>();
  const service = versionService(async ({ signal }) => {
    signal.addEventListener('abort', () => reason.resolve(classOf(signal.reason)));
    return forever(signal);
  });
  await using server = await inProcess([service]);
  const started = performance.now();
  expect(await faultOf(clientOf(Version, server.transport).version({}, { timeoutMs: 100 }))).toBe('deadline_exceeded');
  expect(performance.now() - started).toBeLessThan(30_000);
  expect(await reason.promise).toBe('deadline_exceeded');
});

test('a caller who cancels is answered at once with why, and the handler sees it', async () => {
  const gone = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  const service = versionService(async ({ signal }) => {
    begun.resolve();
    signal.addEventListener('abort', () => gone.resolve(classOf(signal.reason)));
    return forever(signal);
  });
  await using server = await inProcess([service]);
  const abort = new AbortController();
  const call = clientOf(Version, server.transport).version({}, { signal: abort.signal });
  await begun.promise;
  abort.abort();
  expect(await faultOf(call)).toBe('canceled');
  expect(await gone.promise).toBe('canceled');
  expect(await faultOf(clientOf(Version, server.transport).version({}, { signal: abort.signal }))).toBe('canceled');
});

test('a stream of answers comes in order, and an error after some of them comes after them', async () => {
  const service = defineService(Content, {
    async *read() {
      for (let i = 0; i < 3; i++) yield { offset: BigInt(i), data: new Uint8Array([i]) };
      throw fault('data_loss', 'blob x');
    },
  });
  await using server = await inProcess([service]);
  const offsets: bigint[] = [];
  const reading = (async () => {
    for await (const { offset } of clientOf(Content, server.transport).read({})) offsets.push(offset);
  })();
  const received = await caught(reading);
  expect(offsets).toEqual([0n, 1n, 2n]);
  expect([received.class, received.message]).toEqual(['data_loss', 'blob x: data loss']);
});

test('messages that are sent together arrive one by one, small ones and large ones', async () => {
  const sizes = [0, 1, 5000, 10, 60_000, 100_000, 3, 70_000, 0, 2];
  const service = defineService(Content, {
    async *read() {
      yield [];
      yield sizes.map((size, i) => ({ offset: BigInt(i), data: new Uint8Array(size).fill(i) }));
      yield { offset: 100n, data: new Uint8Array([100]) };
    },
  });
  await using server = await inProcess([service]);
  const got: (readonly [number, Uint8Array])[] = [];
  for await (const { offset, data } of clientOf(Content, server.transport).read({})) got.push([Number(offset), data]);
  const sent = sizes.map((size, i) => [i, new Uint8Array(size).fill(i)] as const);
  expect(got.map(([offset, data]) => [offset, Buffer.from(data).toString('hex')])).toEqual(
    [...sent, [100, new Uint8Array([100])] as const].map(([offset, data]) => [
      offset,
      Buffer.from(data).toString('hex'),
    ]),
  );
});

test('a reader that stops ends the stream on the server', async () => {
  const ended = Promise.withResolvers<string>();
  const service = defineService(Content, {
    async *read(_, { signal }) {
      try {
        for (let i = 0; ; i++) {
          yield { offset: BigInt(i), data: new Uint8Array(1) };
          await sleep(1, signal);
        }
      } finally {
        ended.resolve(signal.aborted ? 'canceled' : 'returned');
      }
    },
  });
  await using server = await inProcess([service]);
  let count = 0;
  for await (const _ of clientOf(Content, server.transport).read({})) if (++count === 3) break;
  expect(['canceled', 'returned']).toContain(await ended.promise);
});

test('a client may cancel thousands of streams on one connection', async () => {
  const service = defineService(Content, {
    async *read(_, { signal }) {
      yield { data: new Uint8Array(1) };
      await forever(signal);
    },
  });
  await using server = await inProcess([service, versionService(async (call) => call.peer)]);
  const client = clientOf(Content, server.transport);
  for (let i = 0; i < 2500; i++) for await (const _ of client.read({})) break;
  expect((await clientOf(Version, server.transport).version({})).version).not.toBe('');
}, 120_000);

test('a server runs no further ahead of a slow reader than the windows allow', async () => {
  let sent = 0;
  const service = defineService(Content, {
    async *read() {
      for (; sent < 400; sent++) yield { offset: 0n, data: new Uint8Array(1 << 20) };
    },
  });
  await using server = await inProcess([service]);
  const chunks = clientOf(Content, server.transport).read({});
  await chunks.next();
  await Bun.sleep(300);
  expect(sent).toBeLessThan(60);
  let total = 1;
  for await (const { data } of chunks) total += data.byteLength >> 20;
  expect(total).toBe(400);
}, 120_000);

test('the headers of a subscription come before its first event', async () => {
  const service = defineService(Events, {
    // biome-ignore lint/correctness/useYield: nothing happens in this test
    async *subscribe(_, { signal }) {
      await forever(signal);
    },
  });
  await using server = await inProcess([service]);
  const headers = Promise.withResolvers<void>();
  const path = '/containerd.services.events.v1.Events/Subscribe';
  const bytes = (encoded: Buffer) => encoded;
  const call = server.transport.grpc.makeServerStreamRequest(path, bytes, bytes, Buffer.alloc(0), new Metadata());
  call.on('error', () => {});
  call.on('metadata', () => headers.resolve());
  await headers.promise;
  call.cancel();
});

const any = (text: string) => ({ typeUrl: 'text', value: new TextEncoder().encode(text) });
const echo = defineService(Streaming, {
  async *stream(requests: AsyncIterable<Any>) {
    for await (const { typeUrl, value } of requests) {
      if (typeUrl === 'fail') throw fault('conflict', 'stream x');
      if (typeUrl === 'stop') return;
      yield { typeUrl, value };
    }
    yield any('the end');
  },
});
const textOf = ({ value }: Any) => new TextDecoder().decode(value);

test('both directions of a stream go on by themselves, and one may end before the other', async () => {
  await using server = await inProcess([echo]);
  using call = clientOf(Streaming, server.transport).stream();
  for (const text of ['a', 'b']) {
    await call.send(any(text));
    expect(textOf((await call.next()).value)).toBe(text);
  }
  call.end();
  const rest: string[] = [];
  for await (const message of call) rest.push(textOf(message));
  expect(rest).toEqual(['the end']);
});

test('a conversation that the server breaks off throws what the server says, whatever was being sent', async () => {
  await using server = await inProcess([echo]);
  using call = clientOf(Streaming, server.transport).stream();
  await call.send({ typeUrl: 'fail', value: new Uint8Array(0) });
  const failed = await caught(call.next());
  expect([failed.class, failed.message]).toEqual(['conflict', 'stream x: conflict']);
  for (let i = 0; i < 5; i++) await call.send({ typeUrl: 'more', value: new Uint8Array(4 << 20) });
});

test('a conversation that the server ends is over', async () => {
  await using server = await inProcess([echo]);
  using call = clientOf(Streaming, server.transport).stream();
  await call.send({ typeUrl: 'stop', value: new Uint8Array(0) });
  expect((await call.next()).done).toBe(true);
});

test('messages up to 16 MiB pass in both directions, larger ones are refused', async () => {
  await using server = await inProcess([echo]);
  const client = clientOf(Streaming, server.transport);
  const most = (16 << 20) - 100;
  const value = new Uint8Array(most).fill(7);
  using call = client.stream();
  await call.send({ typeUrl: '', value });
  const reply = (await call.next()).value as Any;
  expect([reply.value.byteLength, reply.value[most - 1]]).toEqual([most, 7]);
  using tooMuch = client.stream();
  await tooMuch.send({ typeUrl: '', value: new Uint8Array(16 << 20) });
  expect(await faultOf(tooMuch.next())).toBe('resource_exhausted');
});

test('what is no message of the type is refused, and the server goes on', async () => {
  await using server = await inProcess([
    versionService(async () => 'alive'),
    defineService(Images, { get: async ({ name }) => ({ image: { name } }) }),
  ]);
  const bytes = (encoded: Buffer) => encoded;
  const deep = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from([0x0a, 0x7f])));
  for (const garbage of [Buffer.from([0xff, 0xff, 0xff]), Buffer.from([0x0a, 0x05, 0x41]), deep]) {
    const path = '/containerd.services.images.v1.Images/Get';
    const code = await new Promise((resolve) => {
      server.transport.grpc.makeUnaryRequest(path, bytes, bytes, garbage, (error) => resolve(error?.code));
    });
    expect(code).toBe(13);
  }
  const path = server.address.slice('unix://'.length);
  for (const noise of ['GET / HTTP/1.1\r\n\r\n', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\xff'.repeat(10_000)}`]) {
    const closed = Promise.withResolvers<void>();
    const socket = connect(path, () => socket.write(Buffer.from(noise, 'latin1')));
    socket.on('error', () => closed.resolve());
    socket.on('close', () => closed.resolve());
    socket.setTimeout(1000, () => socket.destroy());
    socket.resume();
    await closed.promise;
  }
  expect((await clientOf(Version, server.transport).version({})).version).toBe('alive');
});

test('observers see each call begin and end, with its code and the number of its messages', async () => {
  const ends: unknown[] = [];
  const open = new Set<CallInfo>();
  const observer = {
    started: (call: CallInfo) => open.add(call),
    ended: (call: CallInfo, code: number) => {
      open.delete(call);
      ends.push([call.service, call.method, call.kind, call.namespace, code, call.received, call.sent]);
    },
  };
  const version = versionService(async (call) => call.namespace);
  await using server = await inProcess([version, echo], { observers: [observer] });
  const client = clientOf(Version, server.transport);
  await client.version({}, withScope(scope));
  await caught(client.version({}));
  using call = clientOf(Streaming, server.transport).stream(withScope(scope));
  await call.send(any('x'));
  await call.next();
  expect(open.size).toBe(1);
  call.end();
  for await (const _ of call);
  expect(ends).toEqual([
    ['containerd.services.version.v1.Version', 'Version', 'unary', 'default', 0, 1, 1],
    ['containerd.services.version.v1.Version', 'Version', 'unary', undefined, 9, 1, 0],
    ['containerd.services.streaming.v1.Streaming', 'Stream', 'bidi_stream', 'default', 0, 1, 2],
  ]);
  expect(open.size).toBe(0);
});

test('closing a server cuts short what does not end by itself', async () => {
  const service = defineService(Health, {
    async *watch(_, { signal }) {
      yield { status: ServingStatus.SERVING };
      await forever(signal);
    },
  });
  const server = await inProcess([service]);
  const watching = clientOf(Health, server.transport).watch({});
  expect((await watching.next()).value?.status).toBe(ServingStatus.SERVING);
  await server[Symbol.asyncDispose]();
  expect(messageOf(await caught(watching.next()))).toContain('unavailable');
});
