import type { Any } from '#base/any';
import { alreadyExists, notFound } from '#base/errors';
import type { Collectible, CollectibleRegistration, CollectibleThing } from '#core/gc/collectible';
import { type Slot, slot } from '#core/plugin/slot';
import type { Scope } from '#core/scope';
import type { MessageStream } from './message-stream.ts';

/** The streams that clients have opened and not yet closed. */
export class StreamRegistry {
  readonly #streams = new Map<string, { readonly stream: OpenStream; readonly thing: CollectibleThing }>();
  #collection: CollectibleRegistration | undefined;

  /** From now on, until it is disposed, collections end the streams whose lease has gone. */
  collectBy(add: (collectible: Collectible) => CollectibleRegistration): Disposable {
    const registration = add({
      kind: 'stream',
      all: () => [...this.#streams.values()].map(({ thing }) => thing),
      remove: async (namespace, id) => this.#streams.get(keyOf(namespace, id))?.stream[Symbol.dispose](),
    });
    this.#collection = registration;
    return {
      [Symbol.dispose]: () => {
        this.#collection = undefined;
        registration[Symbol.dispose]();
      },
    };
  }

  /** @throws not_found */
  get({ namespace }: Scope, id: string): MessageStream {
    const stream = this.#streams.get(keyOf(namespace, id))?.stream;
    if (stream === undefined) throw notFound(`stream ${JSON.stringify(id)}`);
    return stream;
  }

  /** @internal For the service. The stream can be found until it is disposed. @throws already_exists */
  open({ namespace, lease, signal }: Scope, id: string, incoming: AsyncIterable<Any>): OpenStream {
    const key = keyOf(namespace, id);
    if (this.#streams.has(key)) throw alreadyExists(`stream ${JSON.stringify(id)}`);
    const stream = new OpenStream(id, incoming, signal, () => this.#streams.delete(key));
    const held = lease === undefined ? { root: true } : { lease };
    this.#streams.set(key, { stream, thing: { namespace, key: id, ...held } });
    this.#collection?.touch(namespace, id);
    return stream;
  }
}

export const Streams: Slot<StreamRegistry> = slot('io.containerd.streaming.v1');

const keyOf = (namespace: string, id: string): string => `${namespace}/${id}`;

/** @internal The daemon's end of a stream. */
export class OpenStream implements MessageStream, Disposable {
  readonly id: string;
  readonly #incoming: AsyncIterable<Any>;
  readonly #forget: () => void;
  readonly #queue: { readonly message: Any; readonly taken: () => void }[] = [];
  #ended = false;
  #wake: () => void = () => {};

  constructor(id: string, incoming: AsyncIterable<Any>, signal: AbortSignal, forget: () => void) {
    this.id = id;
    this.#incoming = incoming;
    this.#forget = forget;
    signal.addEventListener('abort', () => this[Symbol.dispose](), { once: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<Any> {
    return this.#incoming[Symbol.asyncIterator]();
  }

  send(message: Any): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queue.push({ message, taken: resolve });
    this.#wake();
    return promise;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** What was sent, for the client, until the end. */
  async *outgoing(): AsyncGenerator<Any> {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        yield next.message;
        next.taken();
      } else if (this.#ended) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#forget();
    this.end();
    for (const { taken } of this.#queue.splice(0)) taken();
  }
}
