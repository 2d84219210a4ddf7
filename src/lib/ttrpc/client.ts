import { connect, type Socket } from 'node:net';
import { abortFault, throwIfAborted } from '#base/cancellation';
import { type Fault, fault, internal, invalidArgument, unavailable } from '#base/errors';
import { faultOfStatus } from '../grpc-status.ts';
import { encodeFrame, type Frame, FrameReader, FrameType, maxPayload } from './frame.ts';
import { decodeResponse, encodeRequest, type Response } from './messages.ts';

export interface ConnectOptions {
  /** Gives up when it fires. */
  readonly signal?: AbortSignal;
  /** Looks at the peer before the first byte is sent; throws to refuse it. */
  readonly checkPeer?: (socket: Socket) => void;
  /** Calls under way at once; one more is refused. */
  readonly maxCalls?: number;
}

export interface CallOptions {
  /** Sent along, so that the server gives up too. */
  readonly timeoutMs?: number;
  /** Ends the waiting; the protocol has no way to tell the server. */
  readonly signal?: AbortSignal;
  readonly metadata?: Readonly<Record<string, string | readonly string[]>>;
}

export interface TtrpcClient extends AsyncDisposable {
  /**
   * Makes one call and returns the payload of the answer. Calls run side by side and may be answered in any order.
   *
   * @throws what the server answered; deadline_exceeded or canceled when the caller's patience ended; unavailable (`ttrpc: closed`) when the
   * connection is or gets closed; resource_exhausted for messages beyond 4 MiB or too many calls; internal for an answer that makes no sense.
   */
  call(service: string, method: string, payload: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  /** Settles, never throws, when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  /** Ends the connection at once. Calls under way fail with unavailable. */
  close(): void;
}

/**
 * Connects to a ttrpc server at `unix:///path` or an absolute path.
 *
 * @throws unavailable or not_found when nobody listens there; invalid_argument for another kind of address.
 */
export async function connectTtrpc(address: string, options: ConnectOptions = {}): Promise<TtrpcClient> {
  const path = socketPath(address);
  const { signal } = options;
  if (signal !== undefined) throwIfAborted(signal);
  const socket = connect({ path });
  const ready = Promise.withResolvers<void>();
  const onAbort = () => ready.reject(abortFault(signal as AbortSignal));
  // Also where there is no such path: to a caller that is nobody at home, not something he asked for that does not exist.
  const onError = (cause: Error) => ready.reject(unavailable(`connect ${address}: ${cause.message}`, cause));
  const onClose = () => ready.reject(unavailable(`connect ${address}: closed`));
  signal?.addEventListener('abort', onAbort, { once: true });
  socket.once('connect', ready.resolve).once('error', onError).once('close', onClose);
  try {
    await ready.promise;
    options.checkPeer?.(socket);
  } catch (thrown) {
    // Errors that come after the first have nobody to tell.
    socket.on('error', ignore).destroy();
    throw thrown;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    socket.off('error', onError).off('close', onClose);
  }
  return new Client(socket, options.maxCalls ?? defaultMaxCalls);
}

/** The path of a unix socket address. */
export function socketPath(address: string): string {
  const path = address.startsWith('unix://') ? address.slice('unix://'.length) : address;
  if (!path.startsWith('/') || path.includes('\0')) {
    throw invalidArgument(`ttrpc address ${JSON.stringify(address)}: wanted unix:///path`);
  }
  // The kernel has 108 bytes for it; a longer one would be cut and reach another socket.
  if (Buffer.byteLength(path) > maxSocketPath) {
    throw invalidArgument(`ttrpc address ${JSON.stringify(address)}: longer than ${maxSocketPath} bytes`);
  }
  return path;
}

const maxSocketPath = 107;
const defaultMaxCalls = 4096;
/** What may wait in memory for a server that does not read. */
const maxUnsent = 64 << 20;
const maxStreamId = 0xffff_fffd;
const ignore = () => {};

interface Pending {
  readonly resolve: (payload: Uint8Array) => void;
  readonly reject: (reason: Fault | Error) => void;
}

class Client implements TtrpcClient {
  readonly #socket: Socket;
  readonly #maxCalls: number;
  readonly #pending = new Map<number, Pending>();
  readonly #reader = new FrameReader();
  readonly #closed = Promise.withResolvers<void>();
  #lastStream = -1;
  #ended: Fault | undefined;

  constructor(socket: Socket, maxCalls: number) {
    this.#socket = socket;
    this.#maxCalls = maxCalls;
    socket.on('data', (chunk: Uint8Array) => {
      for (const frame of this.#reader.push(chunk)) this.#receive(frame);
    });
    socket.on('error', (cause: Error) => this.#end(cause));
    socket.on('end', () => this.#end());
    socket.on('close', () => {
      this.#end();
      this.#closed.resolve();
    });
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  async call(service: string, method: string, payload: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const { signal, timeoutMs } = options;
    if (signal !== undefined) throwIfAborted(signal);
    const message = encodeRequest({
      service,
      method,
      payload,
      timeoutNano: timeoutMs === undefined ? 0n : BigInt(Math.max(1, Math.ceil(timeoutMs * 1e6))),
      metadata: new Map(Object.entries(options.metadata ?? {}).map(([key, value]) => [key, [value].flat()])),
    });
    const streamId = this.#admit(message.length);
    const answer = Promise.withResolvers<Uint8Array>();
    this.#pending.set(streamId, answer);
    const onAbort = () => answer.reject(abortFault(signal as AbortSignal));
    signal?.addEventListener('abort', onAbort, { once: true });
    const late = () => answer.reject(fault('deadline_exceeded', `${service}/${method}`));
    const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
    this.#socket.write(encodeFrame(streamId, FrameType.Request, message));
    try {
      return await answer.promise;
    } finally {
      this.#pending.delete(streamId);
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    this.#end();
    this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  /** The stream for one more call. */
  #admit(length: number): number {
    if (this.#ended !== undefined) throw this.#ended;
    if (length > maxPayload) throw tooLong(length);
    if (this.#pending.size >= this.#maxCalls) {
      throw fault('resource_exhausted', `ttrpc: ${this.#maxCalls} calls under way`);
    }
    if (this.#socket.writableLength > maxUnsent) {
      throw fault('resource_exhausted', `ttrpc: ${this.#socket.writableLength} bytes wait to be sent`);
    }
    if (this.#lastStream >= maxStreamId) {
      this.close();
      throw unavailable('ttrpc: closed: stream ids are used up');
    }
    this.#lastStream += 2;
    return this.#lastStream;
  }

  #receive(frame: Frame): void {
    // Nobody waits any more for an answer that comes too late.
    const pending = this.#pending.get(frame.streamId);
    if (pending === undefined) return;
    try {
      pending.resolve(payloadOf(frame));
    } catch (thrown) {
      pending.reject(thrown as Error);
    }
  }

  #end(cause?: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = unavailable('ttrpc: closed', cause);
    for (const pending of this.#pending.values()) pending.reject(this.#ended);
    this.#socket.destroy();
  }
}

function payloadOf(frame: Frame): Uint8Array {
  if (frame.type !== FrameType.Response) throw internal(`ttrpc: frame of type ${frame.type} as answer`);
  if (frame.payload === undefined) throw tooLong(frame.length);
  const { status, payload } = decodeAnswer(frame.payload);
  if (status !== undefined && status.code !== 0) throw faultOfStatus(status.code, status.message);
  return payload;
}

function decodeAnswer(message: Uint8Array): Response {
  try {
    return decodeResponse(message);
  } catch (thrown) {
    throw internal('ttrpc: answer makes no sense', thrown);
  }
}

function tooLong(length: number): Fault {
  return fault('resource_exhausted', `message length ${length} exceed maximum message size of ${maxPayload}`);
}
