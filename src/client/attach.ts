import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { abortFault, throwIfAborted } from '#base/cancellation';
import { unavailable, wrap } from '#base/errors';
import { inputEnd, inputHeader, type Output, OutputReader } from '#lib/attach-frames';

export interface AttachOptions {
  /** Gives up connecting; later it ends the attachment, whose output then throws. */
  readonly signal: AbortSignal;
  /**
   * This client gives input, so that its going away ends that of a process that has `stdin-once`. True when absent; without it the first
   * `write` or `closeInput` makes it so.
   */
  readonly input?: boolean;
}

/** A connection to a process's streams, for which its shim listens. Disposing lets go of it and does no harm to the process. */
export interface Attachment extends AsyncDisposable {
  /**
   * The output from now on, to be read once. Ends when the process's output has ended, or its shim has. Who reads slowly slows the process.
   * Throws data_loss for what no shim sends, and what the signal says once that fires.
   */
  readonly output: AsyncIterable<Output>;
  /** Gives input; settles when more can be given. @throws unavailable when the process or its shim has gone */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that there is no more input. Whether the process's ends with it, its shim was told at its creation. @throws as `write` */
  closeInput(): Promise<void>;
}

/** What waits in memory for whoever reads the output. */
const highWater = 1 << 20;
/** An address has no room for a longer path. */
const maxSocketPath = 107;
/** Smaller pieces of input go in one write with their header. */
const copied = 64 << 10;
const maxFrame = 1 << 30;
const ignore = () => {};

/** Attaches to a process. @throws not_found when nobody listens any more, unavailable when whoever did is dead, what the signal says */
export async function openAttachment(path: string, { signal, input = true }: AttachOptions): Promise<Attachment> {
  throwIfAborted(signal);
  const attachment = new SocketAttachment(await connected(path, signal), signal);
  if (input) await attachment.write(new Uint8Array());
  return attachment;
}

/** A long path is reached by way of its directory. */
async function connected(path: string, signal: AbortSignal): Promise<Socket> {
  if (Buffer.byteLength(path) <= maxSocketPath) return await connecting(path, path, signal);
  const directory = await open(dirname(path)).catch((thrown: unknown) => {
    throw wrap(thrown, `attach ${path}`);
  });
  try {
    return await connecting(`/proc/self/fd/${directory.fd}/${basename(path)}`, path, signal);
  } finally {
    await directory.close();
  }
}

async function connecting(address: string, path: string, signal: AbortSignal): Promise<Socket> {
  const ready = Promise.withResolvers<void>();
  const socket = connect({ path: address });
  const onAbort = () => ready.reject(abortFault(signal));
  const onError = (cause: NodeJS.ErrnoException) =>
    ready.reject(cause.code === 'EAGAIN' ? unavailable(`attach ${path}`, cause) : wrap(cause, `attach ${path}`));
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('connect', ready.resolve).once('error', onError);
  try {
    await ready.promise;
    return socket;
  } catch (thrown) {
    // Errors that come after the first have nobody to tell.
    socket.on('error', ignore).destroy();
    throw thrown;
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.off('error', onError);
  }
}

class SocketAttachment implements Attachment {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  readonly #reader = new OutputReader();
  readonly #onAbort = () => this.#end(abortFault(this.#signal));
  #queue: Output[] = [];
  #queued = 0;
  #ended = false;
  #failure: unknown;
  #wake = ignore;
  #room = Promise.withResolvers<void>();

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    socket.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    socket.on('drain', () => this.#makeRoom());
    // A reset is how the kernel says that the shim has closed before it read all that was sent to it.
    for (const event of ['end', 'error', 'close']) socket.on(event, () => this.#end());
    if (signal.aborted) this.#onAbort();
  }

  get output(): AsyncIterable<Output> {
    return this.#read();
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length || at === 0; at += maxFrame) {
      const piece = bytes.subarray(at, at + maxFrame);
      if (piece.length <= copied) {
        await this.#send(Buffer.concat([inputHeader(piece.length), piece]));
      } else {
        await this.#send(inputHeader(piece.length));
        await this.#send(piece);
      }
    }
  }

  async closeInput(): Promise<void> {
    await this.#send(inputEnd());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    this.#socket.destroy();
  }

  async #send(bytes: Uint8Array): Promise<void> {
    this.#mayWrite();
    if (this.#socket.write(bytes)) return;
    await this.#room.promise;
    this.#mayWrite();
  }

  #mayWrite(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw unavailable('attach: the process or its shim has gone');
  }

  #makeRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  #receive(chunk: Uint8Array): void {
    try {
      this.#queue.push(...this.#reader.push(chunk));
    } catch (thrown) {
      this.#end(thrown);
      return;
    }
    this.#queued += chunk.length;
    if (this.#queued > highWater) this.#socket.pause();
    this.#wake();
  }

  #end(failure?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (failure !== undefined) this.#socket.destroy();
    this.#makeRoom();
    this.#wake();
  }

  async *#read(): AsyncGenerator<Output> {
    for (;;) {
      const ready = this.#queue;
      if (ready.length > 0) {
        this.#queue = [];
        this.#queued = 0;
        yield* ready;
        this.#socket.resume();
        continue;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
