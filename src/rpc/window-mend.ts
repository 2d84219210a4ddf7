import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type Frame, FrameScanner, headerBytes } from './frame-scanner.ts';

const kind = { data: 0, headers: 1, reset: 3, settings: 4, windowUpdate: 8 } as const;
/** On data and headers: the stream's last. On settings: an acknowledgement. */
const lastOrAck = 0x1;
const initialWindowSize = 4;
const usualWindow = 65_535;
const prefaceBytes = 24;
const mostSettings = 600;

/**
 * A client's HTTP/2 connection on which a server may widen its streams' windows (SETTINGS_INITIAL_WINDOW_SIZE) while streams are open.
 * Bun's client counts that for new streams only, against RFC 9113 6.9.2, so that an upload to a Go server, which widens them as it finds
 * the connection fast, would wait for ever (oven-sh/bun#41329). Here the client is told of the usual window always, and of what there is
 * more by a WINDOW_UPDATE for each stream. It also keeps a stream's end from being lost (`soften`). Costs a look at each frame's header: for connections that upload.
 */
export class WindowMend extends Duplex {
  readonly #socket: Socket;
  readonly #open = new Set<number>();
  readonly #incoming = new FrameScanner({
    wanted: (type, flags, length) =>
      type === kind.reset || (type === kind.settings && (flags & lastOrAck) === 0 && length <= mostSettings),
    onFrame: (frame) => this.#received(frame),
  });
  readonly #outgoing = new FrameScanner({ skip: prefaceBytes, onFrame: (frame) => this.#sent(frame) });
  /** What a new stream may send. */
  #window = usualWindow;
  /** Frames to put into what the client reads, where one of the server's ends. */
  #extra: Buffer[] = [];

  constructor(socket: Socket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#pass(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  ref(): this {
    this.#socket.ref();
    return this;
  }

  unref(): this {
    this.#socket.unref();
    return this;
  }

  /** Nobody is told to wait: the windows bound what can be on its way. */
  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#outgoing.scan(chunk);
    this.#socket.write(chunk, done);
    // Not at once: the client is in the midst of writing.
    if (this.#extra.length > 0) queueMicrotask(() => this.#insert());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #pass(chunk: Buffer): void {
    const { bytes, lastEnd } = this.#incoming.scan(chunk);
    if (this.#extra.length > 0 && lastEnd >= 0) {
      this.push(bytes.subarray(0, lastEnd));
      for (const frame of this.#extra.splice(0)) this.push(frame);
      if (lastEnd < bytes.length) this.push(bytes.subarray(lastEnd));
    } else if (bytes.length > 0) this.push(bytes);
  }

  #insert(): void {
    if (!this.#incoming.between || this.destroyed) return; // the next frame's end is the next occasion
    for (const bytes of this.#extra.splice(0)) this.push(bytes);
  }

  #sent(frame: Frame): void {
    if (ends(frame)) this.#open.delete(frame.stream);
    else if (frame.type === kind.headers && !this.#open.has(frame.stream)) {
      this.#open.add(frame.stream);
      this.#widen(frame.stream, this.#window - usualWindow);
    }
  }

  #received(frame: Frame): void {
    const { type, stream, bytes } = frame;
    if (type === kind.settings && bytes !== undefined) this.#settings(bytes.subarray(headerBytes));
    if (type === kind.reset && bytes !== undefined && !this.#open.has(stream)) soften(bytes);
    if (ends(frame)) this.#open.delete(stream);
  }

  /** Takes note of the window, and has the client read the usual one instead. One that is smaller than usual is left to it. */
  #settings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== initialWindowSize) continue;
      const size = payload.readUInt32BE(at + 2);
      if (size < usualWindow) continue;
      payload.writeUInt32BE(usualWindow, at + 2);
      for (const stream of this.#open) this.#widen(stream, size - this.#window);
      this.#window = size;
    }
  }

  #widen(stream: number, by: number): void {
    if (by <= 0) return;
    const bytes = Buffer.alloc(13);
    bytes.writeUIntBE(4, 0, 3);
    bytes[3] = kind.windowUpdate;
    bytes.writeUInt32BE(stream, 5);
    bytes.writeUInt32BE(by, 9);
    this.#extra.push(bytes);
  }
}

/** Whether nothing more comes of the stream from the side that sent this. A client that ended its own has nothing more to send either. */
function ends({ type, flags }: Frame): boolean {
  return type === kind.reset || ((type === kind.data || type === kind.headers) && (flags & lastOrAck) !== 0);
}

/**
 * A server that ends a call before the client has ended its own side says so by a reset without an error behind the last frame. Bun's client
 * then forgets at times what came before, and the call never ends. It becomes a WINDOW_UPDATE that changes nothing.
 */
function soften(reset: Buffer): void {
  if (reset.length !== headerBytes + 4 || reset.readUInt32BE(headerBytes) !== 0) return;
  reset[3] = kind.windowUpdate;
  reset.writeUInt32BE(1, headerBytes);
}
