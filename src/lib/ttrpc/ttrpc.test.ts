import { afterAll, beforeAll, expect, test } from 'bun:test';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sleep } from '#base/cancellation';
import { alreadyExists, classOf, fault, messageOf, notFound } from '#base/errors';
import { connectTtrpc, socketPath, type TtrpcClient } from './client.ts';
import { encodeFrame, FrameReader, FrameType, maxPayload } from './frame.ts';
import { decodeResponse, encodeRequest, encodeResponse } from './messages.ts';
import { type Services, serveTtrpc } from './server.ts';

let dir = '';
let counter = 0;
beforeAll(() => {
  dir = mkdtempSync('/tmp/berth-ttrpc-');
});
afterAll(() => rmSync(dir, { recursive: true }));
const newPath = () => join(dir, `${counter++}.sock`);

const started: string[] = [];
const services: Services = {
  'test.Echo': {
    Echo: (payload) => payload,
    Wait: async (payload, { signal }) => {
      started.push('wait');
      await sleep(Number(Buffer.from(payload).toString()), signal).catch((thrown: unknown) => {
        started.push(`wait: ${classOf(thrown)}`);
        throw thrown;
      });
      return payload;
    },
    Metadata: (_, { metadata }) => Buffer.from(JSON.stringify([...metadata])),
    Fail: () => {
      throw notFound('task "x"');
    },
    Conflict: async () => {
      throw fault('conflict', 'x');
    },
    Crash: () => {
      throw new TypeError('oops');
    },
    Big: () => new Uint8Array(maxPayload + 1),
  },
};

/** The test's own time limit ends it otherwise. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(1);
}

async function serving(use: (client: TtrpcClient, path: string) => Promise<void>): Promise<void> {
  const path = newPath();
  await using _server = await serveTtrpc(path, services);
  await using client = await connectTtrpc(`unix://${path}`);
  await use(client, path);
}

async function failure(call: Promise<unknown>): Promise<[string, string]> {
  try {
    await call;
  } catch (thrown) {
    return [classOf(thrown), messageOf(thrown)];
  }
  return ['none', ''];
}

const bytes = (text: string) => Buffer.from(text);
const text = (payload: Uint8Array) => Buffer.from(payload).toString();

test('a call carries its payload there and back', async () => {
  await serving(async (client) => {
    expect(text(await client.call('test.Echo', 'Echo', bytes('hello')))).toBe('hello');
    expect(await client.call('test.Echo', 'Echo', new Uint8Array())).toEqual(new Uint8Array());
    const big = Buffer.alloc(maxPayload - 100, 'x');
    expect(big.equals(await client.call('test.Echo', 'Echo', big))).toBe(true);
  });
});

test('metadata arrives with all values of a key', async () => {
  await serving(async (client) => {
    const metadata = { 'containerd-namespace-ttrpc': 'default', many: ['a', 'b'] };
    const seen = text(await client.call('test.Echo', 'Metadata', bytes(''), { metadata }));
    expect(JSON.parse(seen)).toEqual([
      ['containerd-namespace-ttrpc', ['default']],
      ['many', ['a', 'b']],
    ]);
  });
});

test('errors keep class and message', async () => {
  await serving(async (client) => {
    const call = (service: string, method: string) => failure(client.call(service, method, bytes('')));
    expect(await call('test.Echo', 'Fail')).toEqual(['not_found', 'task "x": not found']);
    expect(await call('test.Echo', 'Conflict')).toEqual(['conflict', 'x: conflict']);
    expect(await call('test.Echo', 'Crash')).toEqual(['unknown', 'oops: unknown']);
    expect(await call('test.Echo', 'Nope')).toEqual(['not_implemented', 'method Nope: not implemented']);
    expect(await call('test.Echo', 'toString')).toEqual(['not_implemented', 'method toString: not implemented']);
    expect(await call('test.Nope', 'Echo')).toEqual(['not_implemented', 'service test.Nope: not implemented']);
    expect(await call('constructor', 'name')).toEqual(['not_implemented', 'service constructor: not implemented']);
  });
});

test('a message beyond 4 MiB is refused on either side and the connection goes on', async () => {
  await serving(async (client) => {
    const wanted = 'exceed maximum message size of 4194304: resource exhausted';
    const [sentClass, sent] = await failure(client.call('test.Echo', 'Echo', new Uint8Array(maxPayload)));
    expect([sentClass, sent.endsWith(wanted)]).toEqual(['resource_exhausted', true]);
    const [gotClass, got] = await failure(client.call('test.Echo', 'Big', bytes('')));
    expect([gotClass, got.endsWith(wanted)]).toEqual(['resource_exhausted', true]);
    expect(text(await client.call('test.Echo', 'Echo', bytes('still here')))).toBe('still here');
  });
});

test('a thousand calls at once are answered, each with its own, in any order', async () => {
  await serving(async (client) => {
    const waits = Array.from({ length: 1000 }, (_, i) => String((i * 7919) % 50));
    const answers = await Promise.all(waits.map((ms) => client.call('test.Echo', 'Wait', bytes(ms))));
    expect(answers.map(text)).toEqual(waits);
  });
});

test('more calls than a connection may run wait for their turn', async () => {
  const path = newPath();
  let [running, most] = [0, 0];
  const slow: Services = {
    s: {
      m: async (payload) => {
        running += 1;
        most = Math.max(most, running);
        await delay(2);
        running -= 1;
        return payload;
      },
    },
  };
  await using _server = await serveTtrpc(path, slow, { maxCallsPerConnection: 4 });
  await using client = await connectTtrpc(path);
  const payload = new Uint8Array(100_000);
  const answers = await Promise.all(Array.from({ length: 60 }, () => client.call('s', 'm', payload)));
  expect(answers.map((answer) => answer.length)).toEqual(Array(60).fill(100_000));
  // What one read brings along is started together; a call is longer than a read here.
  expect(most).toBeLessThan(12);
});

test('a deadline ends the call on both sides', async () => {
  await serving(async (client) => {
    started.length = 0;
    const begin = performance.now();
    const [cls] = await failure(client.call('test.Echo', 'Wait', bytes('60000'), { timeoutMs: 30 }));
    expect(cls).toBe('deadline_exceeded');
    expect(performance.now() - begin).toBeLessThan(30_000);
    await until(() => started.length === 2);
    expect(started[0]).toBe('wait');
    expect(started[1]).toMatch(/^wait: (canceled|deadline_exceeded)$/);
    expect(text(await client.call('test.Echo', 'Echo', bytes('next')))).toBe('next');
  });
});

test('a signal ends the waiting', async () => {
  await serving(async (client) => {
    const patience = new AbortController();
    const call = failure(client.call('test.Echo', 'Wait', bytes('60000'), { signal: patience.signal }));
    await delay(5);
    patience.abort();
    expect((await call)[0]).toBe('canceled');
    expect((await failure(client.call('test.Echo', 'Echo', bytes(''), { signal: patience.signal })))[0]).toBe(
      'canceled',
    );
  });
});

test('calls under way fail when the server goes, later ones at once', async () => {
  const path = newPath();
  const server = await serveTtrpc(path, services);
  await using client = await connectTtrpc(path);
  started.length = 0;
  const calls = Array.from({ length: 10 }, () => failure(client.call('test.Echo', 'Wait', bytes('60000'))));
  await until(() => started.length === 10);
  await server.close();
  expect(await Promise.all(calls)).toEqual(Array(10).fill(['unavailable', 'ttrpc: closed: unavailable']));
  await client.closed;
  expect(await failure(client.call('test.Echo', 'Echo', bytes('')))).toEqual([
    'unavailable',
    'ttrpc: closed: unavailable',
  ]);
  expect(started.filter((line) => line === 'wait: canceled').length).toBe(10);
  expect(existsSync(path)).toBe(false);
});

test('calls under way fail when the client closes, and the server hears of it', async () => {
  await serving(async (client) => {
    started.length = 0;
    const call = failure(client.call('test.Echo', 'Wait', bytes('60000')));
    await until(() => started.length === 1);
    client.close();
    expect((await call)[0]).toBe('unavailable');
    await client.closed;
    await until(() => started.length === 2);
    expect(started).toEqual(['wait', 'wait: canceled']);
  });
});

test('connecting where nobody listens says so', async () => {
  const [cls, message] = await failure(connectTtrpc(join(dir, 'none.sock')));
  expect(cls).toBe('unavailable');
  expect(message).toContain('none.sock');
  for (const address of ['tcp://x', '', 'relative', 'unix://@abstract', `/${'x'.repeat(120)}`, '/a\0b']) {
    expect(() => socketPath(address)).toThrow('invalid argument');
  }
  const patience = AbortSignal.abort();
  expect((await failure(connectTtrpc(newPath(), { signal: patience })))[0]).toBe('canceled');
});

test('a path that is in use is refused', async () => {
  await serving(async (_, path) => {
    expect((await failure(serveTtrpc(path, services)))[0]).toBe('already_exists');
  });
});

test('a peer that is not welcome is hung up on, on either side', async () => {
  const path = newPath();
  const refused: unknown[] = [];
  const refuse = () => {
    throw alreadyExists('peer');
  };
  await using _server = await serveTtrpc(path, services, {
    checkPeer: refuse,
    onConnectionError: (thrown) => refused.push(thrown),
  });
  await using client = await connectTtrpc(path);
  expect((await failure(client.call('test.Echo', 'Echo', bytes(''))))[0]).toBe('unavailable');
  expect(refused.map(classOf)).toEqual(['already_exists']);
  await serving(async (_, other) => {
    expect((await failure(connectTtrpc(other, { checkPeer: refuse })))[0]).toBe('already_exists');
  });
});

/** Sends bytes to a server and collects the answers by stream until `count` came or the connection ended. */
async function raw(
  path: string,
  chunks: readonly Uint8Array[],
  count: number,
): Promise<[number, number | undefined, string][]> {
  const socket = connect({ path });
  await once(socket, 'connect');
  const answers: [number, number | undefined, string][] = [];
  const reader = new FrameReader();
  const done = Promise.withResolvers<void>();
  socket.on('data', (chunk: Uint8Array) => {
    for (const frame of reader.push(chunk)) {
      const { status, payload } = decodeResponse(frame.payload ?? new Uint8Array());
      answers.push([frame.streamId, status?.code, status?.message ?? text(payload)]);
    }
    if (answers.length >= count) done.resolve();
  });
  socket.on('close', () => done.resolve());
  for (const chunk of chunks) {
    socket.write(chunk);
    await delay(1);
  }
  await done.promise;
  socket.destroy();
  return answers;
}

const echo = (streamId: number, payload: string, flags = 0) => {
  const message = {
    service: 'test.Echo',
    method: 'Echo',
    payload: bytes(payload),
    timeoutNano: 0n,
    metadata: new Map(),
  };
  return encodeFrame(streamId, FrameType.Request, encodeRequest(message), flags);
};

test('the server answers hostile frames with errors and goes on', async () => {
  await serving(async (client, path) => {
    const answers = await raw(
      path,
      [
        encodeFrame(1, FrameType.Request, Buffer.from('ffffffffffffff', 'hex')),
        echo(2, 'even'),
        echo(3, 'a'),
        echo(3, 'again'),
        encodeFrame(5, FrameType.Data, bytes('stream')),
        encodeFrame(7, 99, bytes('what')),
        echo(9, 'open', 2),
        encodeFrame(11, FrameType.Request, new Uint8Array(maxPayload + 1)),
        ...Array.from(echo(13, 'bytewise'), (byte) => Uint8Array.of(byte)),
      ],
      9,
    );
    expect(answers.map(([id, code]) => [id, code])).toEqual([
      [1, 3],
      [2, 3],
      [3, undefined],
      [3, 3],
      [5, 12],
      [7, 3],
      [9, 12],
      [11, 8],
      [13, undefined],
    ]);
    expect(answers.at(-1)?.[2]).toBe('bytewise');
    expect(text(await client.call('test.Echo', 'Echo', bytes('ok')))).toBe('ok');
  });
});

test('a client that hangs up in the middle of a frame harms nobody', async () => {
  await serving(async (client, path) => {
    const frame = echo(1, 'x'.repeat(1000));
    for (let cut = 1; cut < frame.length; cut += 97) {
      const socket = connect({ path });
      await once(socket, 'connect');
      socket.end(frame.subarray(0, cut));
      await once(socket, 'close');
    }
    expect(text(await client.call('test.Echo', 'Echo', bytes('ok')))).toBe('ok');
  });
});

/** A client of a server that answers every request with the given bytes. */
async function answeredWith(
  answer: (streamId: number, socket: Socket) => void,
  use: (client: TtrpcClient) => Promise<void>,
): Promise<void> {
  const path = newPath();
  const server = createServer((socket) => {
    const reader = new FrameReader();
    socket.on('error', () => {});
    socket.on('data', (chunk: Uint8Array) => {
      for (const frame of reader.push(chunk)) answer(frame.streamId, socket);
    });
  });
  server.listen({ path });
  await once(server, 'listening');
  {
    await using client = await connectTtrpc(path);
    await use(client);
  }
  server.close();
  await once(server, 'close');
}

test('the client reports hostile answers and goes on', async () => {
  const answers: ((id: number) => Uint8Array)[] = [
    (id) => encodeFrame(id, FrameType.Response, Buffer.from('ffffffff', 'hex')),
    (id) => encodeFrame(id, FrameType.Data, bytes('x')),
    (id) => encodeFrame(id, 200, bytes('x')),
    (id) => encodeFrame(id, FrameType.Response, new Uint8Array(maxPayload + 1)),
    (id) =>
      Buffer.concat([
        encodeFrame(id + 1000, FrameType.Response, bytes('x')),
        encodeFrame(id, FrameType.Response, encodeResponse({ payload: bytes('fine') })),
      ]),
    (id) =>
      encodeFrame(
        id,
        FrameType.Response,
        encodeResponse({ status: { code: 77, message: '', details: [] }, payload: bytes('') }),
      ),
  ];
  let next = 0;
  await answeredWith(
    (id, socket) => socket.write(answers[next++]?.(id) ?? ''),
    async (client) => {
      const seen: string[] = [];
      for (const _ of answers) seen.push((await failure(client.call('s', 'm', bytes(''))))[0]);
      expect(seen).toEqual(['internal', 'internal', 'internal', 'resource_exhausted', 'none', 'unknown']);
    },
  );
});

test('a server that hangs up in the middle of an answer fails the call', async () => {
  await answeredWith(
    (id, socket) =>
      socket.end(encodeFrame(id, FrameType.Response, encodeResponse({ payload: bytes('cut') })).subarray(0, 12)),
    async (client) => {
      expect((await failure(client.call('s', 'm', bytes(''))))[0]).toBe('unavailable');
      await client.closed;
    },
  );
});

test('a server that never answers holds only as many calls as allowed', async () => {
  const path = newPath();
  await using _server = await serveTtrpc(path, services);
  await using client = await connectTtrpc(path, { maxCalls: 3 });
  const calls = Array.from({ length: 3 }, () => failure(client.call('test.Echo', 'Wait', bytes('60000'))));
  expect(await failure(client.call('test.Echo', 'Echo', bytes('')))).toEqual([
    'resource_exhausted',
    'ttrpc: 3 calls under way: resource exhausted',
  ]);
  client.close();
  await Promise.all(calls);
});
