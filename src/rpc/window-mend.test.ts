import { expect, test } from 'bun:test';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { FrameScanner, headerBytes } from './frame-scanner.ts';
import { WindowMend } from './window-mend.ts';

const size = 400_000;
const wide = 1 << 20;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

function settings(window: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(4);
  payload.writeUInt32BE(window, 2);
  return frame(4, 0, 0, payload);
}

function windowUpdate(stream: number, by: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(by);
  return frame(8, 0, stream, payload);
}

/** A server that widens windows as Go's does: by settings, once a stream has sent all it might. Tells how much came of each stream. */
async function serve(send: (socket: Socket, bytes: Buffer) => void) {
  const received = new Map<number, number>();
  let widened = false;
  const server = createServer((socket) => {
    const answer = (bytes: Buffer) => send(socket, bytes);
    answer(Buffer.concat([settings(65_535), windowUpdate(0, wide)]));
    const scanner = new FrameScanner({
      skip: 24,
      wanted: (type) => type === 0,
      onFrame({ type, stream, bytes }) {
        if (type === 4) answer(frame(4, 1, 0, Buffer.alloc(0)));
        if (type !== 0) return;
        const sum = (received.get(stream) ?? 0) + (bytes?.length ?? headerBytes) - headerBytes;
        received.set(stream, sum);
        if (sum >= 65_535 && !widened) {
          widened = true;
          answer(settings(wide));
        }
        if (sum === size) answer(frame(1, 0x5, stream, Buffer.from([0x88]))); // :status 200, and no more
      },
    });
    socket.on('data', (chunk: Buffer) => scanner.scan(chunk));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, received, [Symbol.dispose]: () => server.close() };
}

async function upload(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const session = connectHttp2('http://x', { createConnection: () => new WindowMend(socket) });
  for (const _ of ['a stream that is open when the window widens', 'one that begins with the wide window']) {
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.resume();
    stream.end(Buffer.alloc(size));
    await once(stream, 'end');
  }
  session.destroy();
}

test('an upload goes on when the server widens the window by settings', async () => {
  using server = await serve((socket, bytes) => socket.write(bytes));
  await upload(server.port);
  expect([...server.received.values()]).toEqual([size, size]);
}, 120_000);

test('wherever the frames are broken on their way', async () => {
  using server = await serve((socket, bytes) => {
    for (const byte of bytes) socket.write(Buffer.from([byte]));
  });
  await upload(server.port);
  expect([...server.received.values()]).toEqual([size, size]);
}, 120_000);

test('an answer that comes before the client has ended its side is whole, reset or not', async () => {
  const reset = frame(3, 0, 1, Buffer.alloc(4));
  const server = createServer((socket) => {
    socket.write(settings(65_535));
    const scanner = new FrameScanner({
      skip: 24,
      onFrame({ type, flags, stream }) {
        if (type === 4 && flags === 0) socket.write(frame(4, 1, 0, Buffer.alloc(0)));
        if (type !== 0 || (flags & 1) !== 0) return;
        reset.writeUInt32BE(stream, 5);
        const answer = [frame(1, 0x4, stream, Buffer.from([0x88])), frame(0, 0, stream, Buffer.from('word'))];
        const trailers = Buffer.from([0, 1, 0x61, 1, 0x62]); // a: b
        socket.write(Buffer.concat([...answer, frame(1, 0x5, stream, trailers), reset]));
      },
    });
    socket.on('data', (chunk: Buffer) => scanner.scan(chunk));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  using _ = { [Symbol.dispose]: () => server.close() };
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const session = connectHttp2('http://x', { createConnection: () => new WindowMend(socket) });
  for (let i = 0; i < 30; i++) {
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.write('question');
    await once(stream, 'response');
    await wait(5); // whoever reads may be late
    let said = '';
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    await once(stream, 'end');
    expect(said).toBe('word');
    stream.end();
  }
  session.destroy();
}, 120_000);

test('bytes pass as they came, in whatever pieces they come; only a frame that is wanted is held until it is whole', () => {
  const bytes = Buffer.concat([settings(70_000), windowUpdate(3, 5), frame(0, 1, 3, Buffer.alloc(50, 7)), settings(1)]);
  for (const piece of [1, 2, 9, 10, 17, 1000]) {
    const seen: string[] = [];
    const scanner = new FrameScanner({
      wanted: (type) => type === 4,
      onFrame: ({ type, stream, bytes: whole }) => seen.push(`${type} ${stream} ${whole?.readUInt32BE(11) ?? ''}`),
    });
    const passed: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += piece) passed.push(scanner.scan(bytes.subarray(at, at + piece)).bytes);
    expect(Buffer.concat(passed)).toEqual(bytes);
    expect(seen).toEqual(['4 0 70000', '8 3 ', '0 3 ', '4 0 1']);
    expect(scanner.between).toBe(true);
  }
});
