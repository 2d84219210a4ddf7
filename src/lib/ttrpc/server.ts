import { createServer, type Server, type Socket } from 'node:net';
import { classOf, Fault, fault, invalidArgument, messageOf, notImplemented, wrap } from '#base/errors';
import { grpcCodeOf } from '../grpc-status.ts';
import { encodeFrame, type Frame, FrameFlag, FrameReader, FrameType, maxPayload } from './frame.ts';
import { decodeRequest, encodeResponse, type Metadata } from './messages.ts';

export interface CallContext {
  readonly metadata: Metadata;
  /** Fires at the caller's deadline, when the connection is gone, and when the server closes. */
  readonly signal: AbortSignal;
}

export type Method = (payload: Uint8Array, context: CallContext) => Promise<Uint8Array> | Uint8Array;

/** Service's full name → method's bare name → what answers it. */
export type Services = Readonly<Record<string, Readonly<Record<string, Method>>>>;

export interface ServerOptions {
  /** Looks at a peer before its first byte is read; throws to refuse it. */
  readonly checkPeer?: (socket: Socket) => void;
  /** Told of what went wrong with a connection; calls report to their callers instead. */
  readonly onConnectionError?: (thrown: unknown) => void;
  /** Calls that one connection may have under way; more wait unread in its socket. */
  readonly maxCallsPerConnection?: number;
}

export interface TtrpcServer extends AsyncDisposable {
  /** Stops listening, fires the signals of all calls, ends all connections; calls under way are not waited for. Removes the socket. */
  close(): Promise<void>;
}

/**
 * Serves single calls at a unix socket. A call that throws answers with the class and message of what it threw; an unknown service or method,
 * or one that asks for a stream, with not_implemented.
 *
 * @throws already_exists, permission_denied and the like when the path cannot be bound.
 */
export async function serveTtrpc(path: string, services: Services, options: ServerOptions = {}): Promise<TtrpcServer> {
  const connections = new Set<Connection>();
  const server = createServer((socket) => {
    // Before the peer is known to be welcome, its end must not take the process along.
    socket.on('error', (cause) => options.onConnectionError?.(cause));
    try {
      options.checkPeer?.(socket);
    } catch (thrown) {
      options.onConnectionError?.(thrown);
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, services, options.maxCallsPerConnection ?? defaultMaxCalls);
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  });
  await listen(server, path);
  const close = async () => {
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    for (const connection of connections) connection.close();
    await closed.promise;
  };
  return { close, [Symbol.asyncDispose]: close };
}

async function listen(server: Server, path: string): Promise<void> {
  const ready = Promise.withResolvers<void>();
  server.once('error', (cause) => {
    const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    ready.reject(
      taken ? fault('already_exists', `listen ${path}: ${cause.message}`, cause) : wrap(cause, `listen ${path}`),
    );
  });
  server.listen({ path }, ready.resolve);
  await ready.promise;
}

const defaultMaxCalls = 1024;
/** What may wait in memory for a client that does not read its answers; beyond it, its next calls wait. */
const maxUnsent = 8 << 20;
const empty = new Uint8Array();

class Connection {
  readonly #socket: Socket;
  readonly #services: Services;
  readonly #maxCalls: number;
  readonly #reader = new FrameReader();
  readonly #calls = new Set<AbortController>();
  #lastStream = 0;

  constructor(socket: Socket, services: Services, maxCalls: number) {
    this.#socket = socket;
    this.#services = services;
    this.#maxCalls = maxCalls;
    socket.on('data', (chunk: Uint8Array) => {
      for (const frame of this.#reader.push(chunk)) void this.#receive(frame);
      this.#throttle();
    });
    socket.on('drain', () => this.#throttle());
    socket.on('close', () => this.close());
  }

  close(): void {
    this.#socket.destroy();
    const reason = fault('canceled', 'ttrpc: closed');
    for (const call of this.#calls) call.abort(reason);
  }

  #throttle(): void {
    const busy = this.#calls.size >= this.#maxCalls || this.#socket.writableLength > maxUnsent;
    if (busy) this.#socket.pause();
    else this.#socket.resume();
  }

  async #receive(frame: Frame): Promise<void> {
    const { streamId } = frame;
    const call = new AbortController();
    this.#calls.add(call);
    try {
      this.#answer(streamId, await this.#run(frame, call));
    } catch (thrown) {
      this.#refuse(streamId, thrown);
    } finally {
      this.#calls.delete(call);
      this.#throttle();
    }
  }

  async #run(frame: Frame, call: AbortController): Promise<Uint8Array> {
    if (frame.type === FrameType.Data) throw notImplemented('ttrpc: streams');
    if (frame.type !== FrameType.Request) throw invalidArgument(`ttrpc: frame of type ${frame.type}`);
    if (frame.streamId % 2 !== 1) throw invalidArgument('StreamID must be odd for client initiated streams');
    if (frame.streamId <= this.#lastStream) throw invalidArgument('StreamID cannot be re-used and must increment');
    this.#lastStream = frame.streamId;
    if (frame.payload === undefined) throw tooLong(frame.length);
    const request = decodeRequest(frame.payload);
    const method = find(this.#services, request.service, request.method);
    if ((frame.flags & FrameFlag.RemoteOpen) !== 0) throw notImplemented(`streaming method ${request.method}`);
    const timer = startTimer(request.timeoutNano, call);
    try {
      return await method(request.payload, { metadata: request.metadata, signal: call.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  #answer(streamId: number, payload: Uint8Array): void {
    const message = encodeResponse({ payload });
    if (message.length > maxPayload) throw tooLong(message.length);
    this.#send(streamId, message);
  }

  #refuse(streamId: number, thrown: unknown): void {
    const cls = classOf(thrown);
    const message =
      thrown instanceof Fault || cls === 'unknown' ? messageOf(thrown) : fault(cls, messageOf(thrown)).message;
    const status = { code: grpcCodeOf(cls), message: message.slice(0, maxMessage), details: [] };
    this.#send(streamId, encodeResponse({ status, payload: empty }));
  }

  #send(streamId: number, message: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(encodeFrame(streamId, FrameType.Response, message));
  }
}

const maxMessage = 64 << 10;
/** What a timer can hold; a longer deadline is none. */
const maxTimerMs = 2 ** 31 - 1;

function startTimer(timeoutNano: bigint, call: AbortController): NodeJS.Timeout | undefined {
  const ms = Math.ceil(Number(timeoutNano) / 1e6);
  return ms > 0 && ms <= maxTimerMs ? setTimeout(() => call.abort(fault('deadline_exceeded')), ms) : undefined;
}

function find(services: Services, service: string, method: string): Method {
  const methods = Object.hasOwn(services, service) ? services[service] : undefined;
  if (methods === undefined) throw notImplemented(`service ${service}`);
  const found = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (found === undefined) throw notImplemented(`method ${method}`);
  return found;
}

function tooLong(length: number): Error {
  return fault('resource_exhausted', `message length ${length} exceed maximum message size of ${maxPayload}`);
}
