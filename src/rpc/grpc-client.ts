import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  type CallOptions as GrpcOptions,
  Metadata,
} from '@grpc/grpc-js';
import { abortFault, throwIfAborted } from '#base/cancellation';
import { fault, internal, invalidArgument, messageOf, unavailable } from '#base/errors';
import type { Scope } from '#core/scope';
import { leaseHeader, namespaceHeader } from './call.ts';
import { decoderOf, encoderOf } from './codec.ts';
import { faultFromStatus } from './status.ts';
import { Inbox, Outbox, type ReadSide } from './streams.ts';
import type { Transport } from './transport.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** The server is told; `deadline_exceeded` when it has passed. */
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A call with both directions open. Dispose it: what is still open is cancelled then. */
export interface DuplexCall<I extends DescMessage, O extends DescMessage>
  extends AsyncIterableIterator<MessageShape<O>>,
    Disposable {
  /** Settles when there is room for more. Calls must not overlap. */
  send(message: MessageInitShape<I>): Promise<void>;
  /** Tells the server that nothing more will come. */
  end(): void;
}

/** How a method of each kind is called. All throw the fault that the server's status stands for. */
type Method<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => AsyncIterableIterator<MessageShape<O>>
      : M extends DescMethodBiDiStreaming<infer I, infer O>
        ? (options?: CallOptions) => DuplexCall<I, O>
        : never;

export type GrpcClient<S extends DescService> = { readonly [K in keyof S['method']]: Method<S['method'][K]> };

/** The methods of a service as functions. A stream begins with the call, not with the first `next`, and ends when its iteration does. */
export function clientOf<S extends DescService>(desc: S, transport: Transport): GrpcClient<S> {
  const client: Record<string, unknown> = {};
  for (const method of desc.methods) client[method.localName] = methodOf(method, transport);
  return client as GrpcClient<S>;
}

/** What a scope means on the wire. */
export function withScope(scope: Scope): CallOptions {
  const headers: Record<string, string> = { [namespaceHeader]: scope.namespace };
  if (scope.lease !== undefined) headers[leaseHeader] = scope.lease;
  return { signal: scope.signal, headers };
}

function methodOf(method: DescMethod, transport: Transport): unknown {
  const path = `/${method.parent.typeName}/${method.name}`;
  const encode = encoderOf(method.input);
  const codec: Codec = {
    path,
    decode: decoderOf(method.output),
    encode: (init) => encode(create(method.input, init as Record<string, unknown>)),
  };
  switch (method.methodKind) {
    case 'unary':
      return (request: object, options: CallOptions = {}) => unary(transport, codec, request, options);
    case 'server_streaming':
      return (request: object, options: CallOptions = {}) => serverStream(transport, codec, request, options);
    case 'bidi_streaming':
      return (options: CallOptions = {}) => duplex(transport, codec, options);
    case 'client_streaming':
      throw internal(`${path}: no service of ours streams from the client only`);
  }
}

interface Codec {
  readonly path: string;
  readonly encode: (message: object) => Buffer;
  readonly decode: (bytes: Uint8Array) => object;
}

/** What goes at once, whatever windows there are. */
const muchBytes = 32 << 10;

const identity = (encoded: Buffer): Buffer => encoded;

async function unary(transport: Transport, codec: Codec, request: object, options: CallOptions): Promise<object> {
  if (options.signal !== undefined) throwIfAborted(options.signal);
  const encoded = codec.encode(request);
  const { promise, resolve, reject } = Promise.withResolvers<object>();
  const { path, decode } = codec;
  const client = encoded.length > muchBytes ? transport.upload : transport.grpc;
  const call = client.makeUnaryRequest(
    path,
    identity,
    decode,
    encoded,
    metadataOf(transport, options),
    grpcOptions(options),
    (error, response) => {
      options.signal?.removeEventListener('abort', cancel);
      if (error === null && response !== undefined) resolve(response);
      else reject(failure(transport, options, error));
    },
  );
  const cancel = () => call.cancel();
  options.signal?.addEventListener('abort', cancel);
  return promise;
}

function serverStream(
  transport: Transport,
  codec: Codec,
  request: object,
  options: CallOptions,
): AsyncIterableIterator<object> {
  if (options.signal !== undefined) throwIfAborted(options.signal);
  const encoded = codec.encode(request);
  const call = transport.grpc.makeServerStreamRequest(
    codec.path,
    identity,
    codec.decode,
    encoded,
    metadataOf(transport, options),
    grpcOptions(options),
  );
  return new Stream(transport, options, call);
}

function duplex(transport: Transport, codec: Codec, options: CallOptions): DuplexCall<DescMessage, DescMessage> {
  if (options.signal !== undefined) throwIfAborted(options.signal);
  const call = transport.upload.makeBidiStreamRequest(
    codec.path,
    identity,
    codec.decode,
    metadataOf(transport, options),
    grpcOptions(options),
  );
  return new Duplex(transport, options, call, codec) as unknown as DuplexCall<DescMessage, DescMessage>;
}

/** What a server sends, one message each time it is asked for. Ending the iteration early cancels the call. */
class Stream implements AsyncIterableIterator<object>, Disposable {
  readonly #call: ClientReadableStream<object>;
  readonly #inbox: Inbox<object>;
  readonly #cancel = () => this.#call.cancel();
  readonly #signal: AbortSignal | undefined;

  constructor(transport: Transport, options: CallOptions, call: ClientReadableStream<object>) {
    this.#call = call;
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.#cancel);
    this.#inbox = new Inbox(call as unknown as ReadSide, options.signal ?? never, (error) =>
      failure(transport, options, error),
    );
  }

  async next(): Promise<IteratorResult<object>> {
    try {
      const result = await this.#inbox.next();
      if (result.done) this.#release();
      return result;
    } catch (thrown) {
      this[Symbol.dispose]();
      throw thrown;
    }
  }

  async return(): Promise<IteratorResult<object>> {
    this[Symbol.dispose]();
    return { done: true, value: undefined };
  }

  [Symbol.dispose](): void {
    this.#release();
    this.#call.cancel();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #release(): void {
    this.#signal?.removeEventListener('abort', this.#cancel);
  }
}

class Duplex extends Stream {
  readonly #call: ClientDuplexStream<Buffer, object>;
  readonly #outbox: Outbox;
  readonly #encode: Codec['encode'];

  constructor(transport: Transport, options: CallOptions, call: ClientDuplexStream<Buffer, object>, codec: Codec) {
    super(transport, options, call);
    this.#call = call;
    this.#outbox = new Outbox(call, options.signal ?? never);
    this.#encode = codec.encode;
  }

  send(message: object): Promise<void> {
    return this.#outbox.send(this.#encode(message));
  }

  end(): void {
    this.#call.end();
  }
}

// What is done to a store as a whole, as in a collection, is in no namespace; but servers want one.
const wholeStore = 'default';

const never = new AbortController().signal;

/** @throws invalid_argument for what no header can carry */
function metadataOf({ toPlugin }: Transport, options: CallOptions): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (toPlugin && name === leaseHeader) continue;
    try {
      metadata.set(name, toPlugin && name === namespaceHeader ? value || wholeStore : value);
    } catch (thrown) {
      throw invalidArgument(messageOf(thrown), thrown);
    }
  }
  return metadata;
}

const grpcOptions = ({ timeoutMs }: CallOptions): GrpcOptions =>
  timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };

/** What a call throws that grpc-js ended with this error: the caller's own signal comes first. */
function failure(transport: Transport, options: CallOptions, error: unknown): Error {
  if (options.signal?.aborted) return abortFault(options.signal);
  const { code, details } = (error ?? {}) as { code?: number; details?: string };
  if (code === undefined) return fault('internal', `call to ${transport.address} ended without a status`, error);
  const lost = /^No connection established\. Last error: (?:Error: )?(.*?)\.?(?: Resolution note:.*)?$/s.exec(
    details ?? '',
  );
  if (lost !== null) return unavailable(`cannot connect to ${transport.address}: ${lost[1]}`, error);
  return faultFromStatus(code, details ?? '');
}
