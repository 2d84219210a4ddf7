import { afterEach, beforeEach, expect, test } from 'bun:test';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { classOf } from '#base/errors';
import { HttpClient, type HttpOptions } from './http.ts';

const signal = new AbortController().signal;
let open: AsyncDisposableStack;
beforeEach(() => {
  open = new AsyncDisposableStack();
});
afterEach(() => open.disposeAsync());

/** A server of raw bytes: `answer` is called with every request's head, and how many the connection and the server have seen before. */
async function serve(answer: (socket: Socket, head: string, onThis: number, inAll: number) => void): Promise<URL> {
  const sockets = new Set<Socket>();
  let inAll = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    let onThis = 0;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const head = data.toString('latin1');
      if (head.includes('HTTP/1.1')) answer(socket, head, onThis++, inAll++);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x?secret=1`);
}

const client = () => open.use(new HttpClient());
const impatient = (timeouts: HttpOptions) => open.use(new HttpClient(timeouts));
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function textOf(http: HttpClient, url: URL, method = 'GET', body?: Uint8Array | AsyncIterable<Uint8Array>) {
  const more = body === undefined ? {} : { body, bodyBytes: 4 };
  const response = await http.send({ method, url, headers: {}, signal, ...more });
  return (await response.bytes(100)).toString();
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: Error) => `${classOf(error)} ${error.message}`,
  );

test('connections are used again, and one that the server closed meanwhile costs nothing', async () => {
  const seen: string[] = [];
  const url = await serve((socket, _head, onThis) => {
    seen.push(String(onThis));
    if (onThis === 2) socket.destroy();
    else socket.write(ok);
  });
  const http = client();
  for (let i = 0; i < 4; i++) expect(await textOf(http, url)).toBe('ok');
  expect(seen).toEqual(['0', '1', '2', '0', '1']);
});

test('a streamed body is not sent twice over: the caller learns that the connection was gone', async () => {
  const url = await serve((socket, _head, onThis) => {
    if (onThis === 1) socket.destroy();
    else socket.write(ok);
  });
  const http = client();
  await textOf(http, url);
  const body = (async function* () {
    yield Buffer.from('data');
  })();
  expect(await failure(textOf(http, url, 'PUT', body))).toMatch(/^unavailable PUT "http:\/\/127/);
});

test('an answer that comes before the body is sent ends the sending', async () => {
  const closed = Promise.withResolvers<void>();
  const url = await serve((socket) => {
    socket.once('close', closed.resolve);
    socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n');
  });
  const over = Promise.withResolvers<void>();
  const endless = (async function* () {
    try {
      for (;;) {
        yield Buffer.alloc(1 << 20);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      over.resolve();
    }
  })();
  const response = await client().send({
    method: 'PUT',
    url,
    headers: {},
    body: endless,
    bodyBytes: 2 ** 40,
    signal,
  });
  expect(response.status).toBe(413);
  await response.discard();
  await over.promise;
  await closed.promise;
});

test('every phase is bounded, and no error shows the query', async () => {
  const silent = await serve(() => {});
  expect(await failure(textOf(impatient({ responseTimeoutMs: 300 }), silent))).toMatch(/no answer in time \(300 ms\)/);
  const stalls = await serve((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab'));
  expect(await failure(textOf(impatient({ stallTimeoutMs: 200 }), stalls))).toMatch(
    /sends no more of the body \(200 ms\)/,
  );
  const cut = await serve((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab'));
  expect(await failure(textOf(client(), cut))).toStartWith('unavailable GET');
  const chunked = await serve((socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab'));
  expect(await failure(textOf(client(), chunked))).toStartWith('unavailable GET');
  const large = await serve((socket) =>
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n${'x'.repeat(200)}`),
  );
  const nonsense = await serve((socket) => socket.write('SSH-2.0-hello\r\n'));
  const errors = [
    await failure(textOf(client(), large)),
    await failure(textOf(client(), nonsense)),
    await failure(textOf(client(), new URL('http://127.0.0.1:1/?secret=1'))),
    await failure(textOf(client(), new URL('ftp://127.0.0.1/?secret=1'))),
  ];
  expect(errors.map((text) => text.split(' ')[0])).toEqual([
    'resource_exhausted',
    'unavailable',
    'unavailable',
    'invalid_argument',
  ]);
  for (const text of errors) expect(text).not.toContain('secret=1');
});

test('a slow reader is not a stalled server, and a server cannot fill our memory', async () => {
  let written = 0;
  const url = await serve((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
    const more = () => {
      while (socket.write(Buffer.alloc(1 << 20))) written++;
      written++;
    };
    socket.on('drain', more);
    more();
  });
  const stallTimeoutMs = 1500;
  const response = await impatient({ stallTimeoutMs }).send({ method: 'GET', url, headers: {}, signal });
  const body = response.body();
  await body.next();
  await new Promise((resolve) => setTimeout(resolve, 2 * stallTimeoutMs));
  expect(written).toBeLessThan(64);
  expect((await body.next()).done).toBe(false);
  await body.return();
});
