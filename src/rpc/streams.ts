import { abortFault, throwIfAborted } from '#base/cancellation';
import { defer } from '#base/disposal';

/** @internal What both ends of a grpc-js stream have for reading, and for writing. */
export interface ReadSide {
  read(): unknown;
  on(event: 'readable' | 'end' | 'close' | 'error', listener: (error?: Error) => void): unknown;
}
export interface WriteSide {
  write(message: unknown, callback: (error?: Error | null) => void): boolean;
  on(event: 'status' | 'error' | 'close', listener: () => void): unknown;
}

/**
 * Reads a stream one message at a time, and only when asked: what nobody asks for stays with the sender. Ending the iteration leaves the stream
 * as it is, so that the other direction goes on. Throws what `failure` makes of an error, or of the signal.
 */
export class Inbox<T> implements AsyncIterableIterator<T> {
  readonly #stream: ReadSide;
  readonly #signal: AbortSignal;
  readonly #failure: (error: unknown) => Error;
  #wake = Promise.withResolvers<void>();
  #ended = false;
  #error: unknown;

  constructor(stream: ReadSide, signal: AbortSignal, failure: (error: unknown) => Error) {
    this.#stream = stream;
    this.#signal = signal;
    this.#failure = failure;
    const wake = () => this.#wake.resolve();
    const finish = (error?: Error) => {
      this.#ended = true;
      this.#error ??= error;
      wake();
    };
    stream.on('readable', wake);
    stream.on('end', () => finish());
    stream.on('close', () => finish());
    stream.on('error', finish);
    if (signal.aborted) wake();
    else signal.addEventListener('abort', wake, { once: true });
  }

  async next(): Promise<IteratorResult<T>> {
    for (;;) {
      this.#wake = Promise.withResolvers();
      const message = this.#stream.read();
      if (message !== null) return { done: false, value: message as T };
      if (this.#error !== undefined) throw this.#failure(this.#error);
      if (this.#signal.aborted) throw abortFault(this.#signal);
      if (this.#ended) return { done: true, value: undefined };
      await this.#wake.promise;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Bytes that may be on their way before a sender has to wait. */
const window = 2 << 20;

/** Writes to a stream no faster than it takes the bytes. */
export class Outbox {
  readonly #stream: WriteSide;
  readonly #signal: AbortSignal;
  #pending = 0;
  #closed = false;
  #wake: () => void = () => {};

  constructor(stream: WriteSide, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
    for (const event of ['status', 'error', 'close'] as const) {
      stream.on(event, () => {
        this.#closed = true;
        this.#wake();
      });
    }
  }

  /**
   * Settles when there is room for more. Calls must not overlap. What is sent after the other side has ended the call goes nowhere:
   * why it ended is for the reader of the answers to say. @throws what the signal says
   */
  async send(message: { readonly byteLength: number }): Promise<void> {
    throwIfAborted(this.#signal);
    if (this.#closed) return;
    const size = message.byteLength;
    this.#pending += size;
    this.#stream.write(message, () => {
      this.#pending -= size;
      this.#wake();
    });
    while (this.#pending > window && !this.#closed) await this.#change();
  }

  async #change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#wake = wake;
    this.#signal.addEventListener('abort', wake, { once: true });
    using _ = defer(() => this.#signal.removeEventListener('abort', wake));
    await promise;
    throwIfAborted(this.#signal);
  }
}
