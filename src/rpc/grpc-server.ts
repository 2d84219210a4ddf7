import { create, type DescMethod } from '@bufbuild/protobuf';
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  logVerbosity,
  Metadata,
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  setLogVerbosity,
} from '@grpc/grpc-js';
import { classOf, Fault, internal } from '#base/errors';
import { type Log, silent } from '#base/log';
import type { Span, SpanAttributes, Tracing } from '#base/tracing';
import { type CallInfo, type CallObserver, namespaceHeader, ServerCall } from './call.ts';
import { decoderOf, type Encoded, encoderOf, joined, maxMessageBytes } from './codec.ts';
import type { Service, UntypedHandler } from './service.ts';
import { encodeOnce } from './shared-message.ts';
import { type CallStatus, statusOf } from './status.ts';
import { Inbox, Outbox } from './streams.ts';

export interface GrpcServerOptions {
  readonly log?: Log;
  readonly observers?: readonly CallObserver[];
  readonly tracing?: Tracing;
  /** Largest message in each direction; containerd's 16 MiB unless told. */
  readonly maxReceiveBytes?: number;
  readonly maxSendBytes?: number;
}

/** A server without services and without an address: `mount` and `listen` give it those. */
export function createGrpcServer(options: GrpcServerOptions = {}): GrpcServer {
  // What it would print on stderr, past our log, it also throws.
  setLogVerbosity(logVerbosity.NONE);
  return new GrpcServer(options);
}

export class GrpcServer implements AsyncDisposable {
  /** @internal For `listen`. */
  readonly grpc: Server;
  readonly #log: Log;
  readonly #observers: readonly CallObserver[];
  readonly #tracing: Tracing | undefined;

  constructor(options: GrpcServerOptions) {
    this.#log = options.log ?? silent;
    this.#observers = options.observers ?? [];
    this.#tracing = options.tracing;
    this.grpc = new Server({
      'grpc.max_receive_message_length': options.maxReceiveBytes ?? maxMessageBytes,
      'grpc.max_send_message_length': options.maxSendBytes ?? maxMessageBytes,
      'grpc.max_concurrent_streams': 0x7fff_ffff,
      'grpc-node.flow_control_window': flowControlWindow,
    });
    allowResets(this.grpc);
  }

  /** Adds a service. A client that calls a method nobody mounted is told UNIMPLEMENTED. */
  mount({ desc, handlers }: Service): void {
    for (const method of desc.methods) {
      const handler = handlers[method.localName];
      if (handler !== undefined) this.#register(method, handler);
    }
  }

  /** Takes no more calls, lets those under way end for so long, then cuts them short. */
  async close(graceMs = 0): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.grpc.tryShutdown(() => resolve());
    const timer = setTimeout(() => this.grpc.forceShutdown(), graceMs);
    await promise;
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #register(method: DescMethod, handler: UntypedHandler): void {
    const path = `/${method.parent.typeName}/${method.name}`;
    const encode = encoderOf(method.output);
    const encodeAs = (message: object) => encode(create(method.output, message as Record<string, unknown>));
    const answer = (message: object) => encodeOnce(message, encodeAs);
    const kinds = {
      unary: () => ({ type: 'unary', handle: this.#unary(method, handler, answer) }),
      server_streaming: () => ({ type: 'serverStream', handle: this.#serverStream(method, handler, answer) }),
      bidi_streaming: () => ({ type: 'bidi', handle: this.#bidi(method, handler, answer) }),
      client_streaming: () => {
        throw internal(`${path}: no service of ours streams from the client only`);
      },
    };
    const { type, handle } = kinds[method.methodKind]();
    this.grpc.register(path, handle, (encoded: Buffer) => encoded, decoderOf(method.input), type);
  }

  #unary(method: DescMethod, handler: UntypedHandler, encode: Encode): handleUnaryCall<object, Buffer> {
    return async (surface, respond) => {
      const { call, record } = this.#begin(method, 'unary', surface);
      record.received = 1;
      try {
        const encoded = encode((await handler(surface.request as never, call)) as object);
        record.sent = 1;
        respond(null, encoded);
        this.#end(record, call, success);
      } catch (thrown) {
        const status = this.#faultsOut(record, call, thrown);
        respond({ code: status.code, details: status.message });
        this.#end(record, call, status);
      }
    };
  }

  #serverStream(
    method: DescMethod,
    handler: UntypedHandler,
    encode: Encode,
  ): handleServerStreamingCall<object, Buffer> {
    return (surface) => {
      const begun = this.#begin(method, 'server_stream', surface);
      begun.record.received = 1;
      return this.#stream(begun, surface, () => handler(surface.request as never, begun.call), encode);
    };
  }

  #bidi(method: DescMethod, handler: UntypedHandler, encode: Encode): handleBidiStreamingCall<object, Buffer> {
    return (surface) => {
      const begun = this.#begin(method, 'bidi_stream', surface);
      const inbox = new Inbox<object>(surface, begun.call.signal, (error) => error as Error);
      return this.#stream(begun, surface, () => handler(counted(inbox, begun.record) as never, begun.call), encode);
    };
  }

  async #stream({ call, record }: Begun, surface: Streaming, handle: () => unknown, encode: Encode): Promise<void> {
    // A client knows from the headers that what it subscribed to has begun. With the first message they cost no packet of their own.
    const headers = setTimeout(() => surface.sendMetadata(new Metadata()), headersDelayMs);
    const outbox = new Outbox(surface, call.signal);
    let status = success;
    try {
      for await (const some of handle() as AsyncIterable<object | readonly object[]>) {
        for (const [count, bytes] of pieces(Array.isArray(some) ? some : [some], encode)) {
          record.sent += count;
          await outbox.send(bytes);
        }
      }
      if (!surface.destroyed) surface.end();
    } catch (thrown) {
      status = this.#faultsOut(record, call, thrown);
      // This is how grpc-js wants to be told: it flushes what was written and ends with that status.
      if (!surface.destroyed) surface.emit('error', { code: status.code, details: status.message });
    }
    clearTimeout(headers);
    this.#end(record, call, status);
  }

  #begin(method: DescMethod, kind: CallInfo['kind'], surface: Streaming | ServerUnaryCall<object, Buffer>): Begun {
    const call = new ServerCall(surface);
    const record: CallRecord = {
      service: method.parent.typeName,
      method: method.name,
      kind,
      namespace: call.header(namespaceHeader),
      startedAtMs: performance.now(),
      received: 0,
      sent: 0,
    };
    for (const observer of this.#observers) observer.started(record);
    call.trace = this.#trace(call, record);
    return { call, record };
  }

  #trace(call: ServerCall, { service, method, namespace }: CallRecord): Span | undefined {
    const tracer = this.#tracing?.tracer;
    if (tracer === undefined) return undefined;
    const headers: Record<string, string> = {};
    for (const name of traceHeaders) {
      const value = call.header(name);
      if (value !== undefined) headers[name] = value;
    }
    const attributes: SpanAttributes = {
      'rpc.system': 'grpc',
      'rpc.service': service,
      'rpc.method': method,
      ...(namespace !== undefined && { 'containerd.namespace': namespace }),
    };
    return tracer.begin(`${service}/${method}`, 'server', attributes, headers);
  }

  #end(record: CallRecord, call: ServerCall, status: CallStatus): void {
    call.end();
    endTrace(call, status);
    for (const observer of this.#observers) observer.ended(record, status.code);
  }

  /** The one place where what a handler threw becomes what the client is told. */
  #faultsOut(record: CallRecord, call: ServerCall, thrown: unknown): CallStatus {
    const status = statusOf(thrown);
    const fields = () => ({
      service: record.service,
      method: record.method,
      namespace: record.namespace,
      error: thrown,
    });
    const unexpected = classOf(thrown) === 'unknown' || classOf(thrown) === 'internal';
    if (unexpected && !call.signal.aborted) {
      this.#log.error('call failed', () => ({
        ...fields(),
        // A fault is somebody's word (runc's, a registry's); anything else is a mistake of ours, and where it is made is what matters.
        ...(thrown instanceof Error && !(thrown instanceof Fault) ? { stack: thrown.stack } : {}),
      }));
    } else {
      this.#log.debug('call refused', fields);
    }
    return status;
  }
}

/** Of W3C Trace Context. */
const traceHeaders = ['traceparent', 'tracestate'];

function endTrace({ trace }: ServerCall, { code, message }: CallStatus): void {
  if (trace === undefined) return;
  trace.set({ 'rpc.grpc.status_code': code });
  if (code !== 0) trace.fail(message);
  trace[Symbol.dispose]();
}

// HTTP/2's own 64 KiB per stream makes a sender of large messages wait for each round trip.
const flowControlWindow = 4 << 20;

/** How long the headers of a stream wait for its first message. */
const headersDelayMs = 5;

/**
 * Lets clients cancel as many streams as they like. Go's reader of content cancels every read once it has its bytes, some thousand times a second;
 * an HTTP/2 server takes more than 33 a second for an attack, after the first thousand, and closes the connection. Who can open our socket is root.
 * grpc-js has no option for this, so that it is put where grpc-js keeps what it gives to `http2.createServer`.
 */
function allowResets(server: Server): void {
  const { commonServerOptions } = server as unknown as { readonly commonServerOptions: Record<string, unknown> };
  commonServerOptions.streamResetBurst = 1_000_000_000;
  commonServerOptions.streamResetRate = 1_000_000_000;
}

const success: CallStatus = { code: 0, message: '' };

type CallRecord = { -readonly [K in keyof CallInfo]: CallInfo[K] };
type Begun = { readonly call: ServerCall; readonly record: CallRecord };
type Encode = (message: object) => Buffer;
type Streaming = ServerWritableStream<object, Buffer> | ServerDuplexStream<object, Buffer>;

/** Enough for a write to be worth its cost. */
const pieceBytes = 64 << 10;

function* pieces(messages: readonly object[], encode: Encode): Generator<readonly [count: number, bytes: Encoded]> {
  let piece: Encoded[] = [];
  let size = 0;
  for (const message of messages) {
    const encoded = encode(message);
    if (size > 0 && size + encoded.byteLength > pieceBytes) {
      yield [piece.length, joined(piece)];
      piece = [];
      size = 0;
    }
    piece.push(encoded);
    size += encoded.byteLength;
  }
  if (piece.length > 0) yield [piece.length, joined(piece)];
}

async function* counted<T>(messages: AsyncIterable<T>, record: CallRecord): AsyncGenerator<T> {
  for await (const message of messages) {
    record.received++;
    yield message;
  }
}
