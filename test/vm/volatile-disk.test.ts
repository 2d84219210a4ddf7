import { afterEach, beforeEach, expect, test } from 'bun:test';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyDisk, VolatileDisk } from './volatile-disk.ts';

const sizeBytes = 1 << 20;
const command = { read: 0, write: 1, flush: 3, zero: 6 } as const;
let directory = '';
let disk: VolatileDisk;
let client: NbdClient;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'berth-disk-'));
  emptyDisk(join(directory, 'disk'), sizeBytes);
  disk = await VolatileDisk.open(join(directory, 'disk'), join(directory, 'sock'));
  client = await NbdClient.open(join(directory, 'sock'));
});
afterEach(async () => {
  await disk[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const onDisk = (offset: number, length: number) =>
  readFileSync(join(directory, 'disk'))
    .subarray(offset, offset + length)
    .toString('latin1');

test('what was written is read again at once, and is on the disk after a flush', async () => {
  await client.write(1000, 'hello');
  await client.write(1002, 'LL');
  expect(await client.read(998, 9)).toBe('\0\0heLLo\0\0');
  expect(onDisk(1000, 5)).toBe('\0\0\0\0\0');
  await client.flush();
  expect(onDisk(1000, 5)).toBe('heLLo');
  await client.zero(1001, 3);
  expect(await client.read(1000, 5)).toBe('h\0\0\0o');
});

test('a power cut takes what was not flushed, sector by sector as it is told, and nothing else', async () => {
  await client.write(0, 'a'.repeat(1024));
  await client.flush();
  await client.write(0, 'b'.repeat(1024));
  expect(disk.unflushedBytes).toBe(1024);
  const fates = [true, false];
  expect(disk.powerCut(() => fates.shift() ?? false)).toEqual({ kept: 1, lost: 1 });
  expect(disk.unflushedBytes).toBe(0);
  expect(onDisk(0, 1024)).toBe('b'.repeat(512) + 'a'.repeat(512));
});

test('a write that goes through the cache stays, also where an older one lay', async () => {
  await client.write(0, 'a'.repeat(1536));
  await client.write(512, 'b'.repeat(512), true);
  expect(onDisk(0, 1536)).toBe('\0'.repeat(512) + 'b'.repeat(512) + '\0'.repeat(512));
  expect(await client.read(0, 1536)).toBe('a'.repeat(512) + 'b'.repeat(512) + 'a'.repeat(512));
  disk.powerCut(() => true);
  expect(onDisk(0, 1536)).toBe('a'.repeat(512) + 'b'.repeat(512) + 'a'.repeat(512));
});

/** Just enough of a client: one request at a time. */
class NbdClient {
  readonly #socket: Socket;
  #buffered = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#buffered = Buffer.concat([this.#buffered, bytes]);
      socket.emit('more');
    });
    socket.on('error', () => {}); // the power was cut
  }

  static async open(path: string): Promise<NbdClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    const client = new NbdClient(socket);
    expect((await client.#take(18)).toString('latin1', 0, 16)).toBe('NBDMAGICIHAVEOPT');
    const go = Buffer.alloc(4 + 16 + 6);
    go.writeUInt32BE(3, 0);
    go.write('IHAVEOPT', 4);
    go.writeUInt32BE(7, 12);
    go.writeUInt32BE(6, 16);
    socket.write(go);
    const info = await client.#take(20 + 12);
    expect(Number(info.readBigUInt64BE(22))).toBe(sizeBytes);
    expect((await client.#take(20)).readUInt32BE(12)).toBe(1);
    return client;
  }

  read = async (offset: number, length: number) => {
    await this.#request(command.read, offset, length);
    return (await this.#take(length)).toString('latin1');
  };
  write = (offset: number, text: string, through = false) =>
    this.#request(command.write, offset, text.length, Buffer.from(text), through ? 1 : 0);
  zero = (offset: number, length: number) => this.#request(command.zero, offset, length);
  flush = () => this.#request(command.flush, 0, 0);

  async #request(type: number, offset: number, length: number, data = Buffer.alloc(0), flags = 0): Promise<void> {
    const header = Buffer.alloc(28);
    header.writeUInt32BE(0x25609513, 0);
    header.writeUInt16BE(flags, 4);
    header.writeUInt16BE(type, 6);
    header.write('a cookie', 8);
    header.writeBigUInt64BE(BigInt(offset), 16);
    header.writeUInt32BE(length, 24);
    this.#socket.write(Buffer.concat([header, data]));
    const reply = await this.#take(16);
    expect(reply.toString('latin1', 8)).toBe('a cookie');
    expect(reply.readUInt32BE(4)).toBe(0);
  }

  async #take(length: number): Promise<Buffer> {
    while (this.#buffered.length < length) await once(this.#socket, 'more');
    const taken = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(length);
    return taken;
  }
}
