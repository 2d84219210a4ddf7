import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { NbdConnection, type NbdRequest } from './nbd-connection.ts';

/** What a disk may lose or keep by itself; everything bigger may be torn. */
const sector = 512;
/** What the cache holds; more pushes the oldest out to the disk. */
const cacheBytes = 32 << 20;

interface Write {
  readonly offset: number;
  readonly data: Buffer;
}

/**
 * A disk with a cache that forgets: what was written since the last flush is held in memory, and a power cut keeps some sectors of it
 * and loses others. A machine reaches it as a network block device on a Unix socket.
 */
export class VolatileDisk implements AsyncDisposable {
  readonly socketPath: string;
  readonly #file: number;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  /** In the order in which they came. */
  #unflushed: Write[] = [];
  #unflushedBytes = 0;

  private constructor(path: string, socketPath: string) {
    this.socketPath = socketPath;
    this.#file = openSync(path, 'r+');
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Serves the file, which has the disk's size. */
  static async open(path: string, socketPath: string): Promise<VolatileDisk> {
    const disk = new VolatileDisk(path, socketPath);
    await new Promise<void>((resolve, reject) => disk.#server.once('error', reject).listen(socketPath, resolve));
    return disk;
  }

  /** What a power cut would put at risk now. */
  get unflushedBytes(): number {
    return this.#unflushedBytes;
  }

  /** Ends all connections; of what was not flushed, `keeps` says for each sector whether it has reached the disk. */
  powerCut(keeps: () => boolean): { readonly kept: number; readonly lost: number } {
    for (const socket of this.#connections) socket.destroy();
    let [kept, lost] = [0, 0];
    for (const { offset, data } of this.#unflushed) {
      for (let at = 0; at < data.length; at += sector) {
        if (!keeps()) lost++;
        else kept += writeSync(this.#file, data, at, Math.min(sector, data.length - at), offset + at) > 0 ? 1 : 0;
      }
    }
    this.#forget();
    return { kept, lost };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    closeSync(this.#file);
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    const connection = new NbdConnection(socket, fstatSync(this.#file).size, (request) => this.#perform(request));
    socket.on('data', (bytes: Buffer) => connection.received(bytes));
    socket.on('error', () => socket.destroy()); // the machine was killed
  }

  #perform(request: NbdRequest): Buffer | undefined {
    switch (request.kind) {
      case 'read':
        return this.#read(request.offset, request.length);
      case 'write':
        this.#write(request.offset, request.data, request.forceUnitAccess);
        return undefined;
      case 'zero':
        this.#write(request.offset, Buffer.alloc(request.length), request.forceUnitAccess);
        return undefined;
      case 'flush':
        for (const { offset, data } of this.#unflushed) writeSync(this.#file, data, 0, data.length, offset);
        this.#forget();
        return undefined;
    }
  }

  #read(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.#file, bytes, 0, length, offset);
    for (const write of this.#unflushed) {
      const from = Math.max(offset, write.offset);
      const to = Math.min(offset + length, write.offset + write.data.length);
      if (from < to) write.data.copy(bytes, from - offset, from - write.offset, to - write.offset);
    }
    return bytes;
  }

  #write(offset: number, data: Buffer, through: boolean): void {
    if (through) {
      // What was written there before must not come over it later.
      this.#unflushed = this.#unflushed.flatMap((write) => without(write, offset, offset + data.length));
      this.#unflushedBytes = this.#unflushed.reduce((sum, write) => sum + write.data.length, 0);
      writeSync(this.#file, data, 0, data.length, offset);
      return;
    }
    this.#unflushed.push({ offset, data: Buffer.from(data) });
    this.#unflushedBytes += data.length;
    while (this.#unflushedBytes > cacheBytes) {
      const oldest = this.#unflushed.shift();
      if (oldest === undefined) break;
      writeSync(this.#file, oldest.data, 0, oldest.data.length, oldest.offset);
      this.#unflushedBytes -= oldest.data.length;
    }
  }

  #forget(): void {
    this.#unflushed = [];
    this.#unflushedBytes = 0;
  }
}

/** The parts of a write that lie outside. */
function without({ offset, data }: Write, from: number, to: number): readonly Write[] {
  const before = data.subarray(0, Math.max(0, from - offset));
  const after = data.subarray(Math.min(data.length, Math.max(0, to - offset)));
  const end = offset + data.length;
  if (to <= offset || from >= end) return [{ offset, data }];
  return [
    { offset, data: before },
    { offset: end - after.length, data: after },
  ].filter((part) => part.data.length > 0);
}

/** Makes a file of this size that holds nothing yet. */
export function emptyDisk(path: string, sizeBytes: number): void {
  const file = openSync(path, 'wx');
  ftruncateSync(file, sizeBytes);
  fdatasyncSync(file);
  closeSync(file);
}
