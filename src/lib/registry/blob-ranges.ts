import { fault } from '#base/errors';

/** Bytes from `from` to before `until`, exactly. @throws RangesIgnored when the other end sends whole files only */
export type RangeSource = (from: number, until: number, signal: AbortSignal) => AsyncIterable<Uint8Array>;

export interface RangesOptions {
  readonly offset: number;
  readonly size: number;
  /** Bytes of one request; as many of each may wait in memory. */
  readonly chunkBytes: number;
  /** A place for one request beyond the first; `undefined` when there is none just now. */
  readonly enter: () => Disposable | undefined;
  readonly signal: AbortSignal;
}

/** The other end does not know ranges. */
export class RangesIgnored extends Error {}

/** At most so many requests for one blob: each may have its chunk waiting in memory. */
const maxRequests = 16;

/**
 * One long blob by several requests at the same time, in order. The first request of those under way needs no place, so that there is always one; each
 * further one takes a place if there is one. Bytes of the foremost are passed on as they come.
 */
export async function* inRanges(
  source: RangeSource,
  options: RangesOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { size, chunkBytes, enter, signal } = options;
  const stop = new AbortController();
  const within = AbortSignal.any([signal, stop.signal]);
  const chunks: Chunk[] = [];
  let next = options.offset;
  const begin = (place: Disposable | undefined) => {
    const until = Math.min(next + chunkBytes, size);
    chunks.push(new Chunk(source(next, until, within), place));
    next = until;
  };
  const beginMore = () => {
    while (next < size && chunks.length < maxRequests) {
      const place = chunks.length === 0 ? undefined : enter();
      if (place === undefined && chunks.length > 0) return;
      begin(place);
    }
  };
  try {
    // Until the first has answered nobody knows whether ranges are understood.
    if (next < size) begin(undefined);
    for (let head = chunks[0]; head !== undefined; head = chunks[0]) {
      for await (const bytes of head.bytes()) {
        beginMore();
        yield bytes;
      }
      chunks.shift();
      beginMore();
    }
  } finally {
    stop.abort(fault('canceled'));
    await Promise.all(chunks.map((chunk) => chunk.ended));
  }
}

/** One request, read as fast as it comes. */
class Chunk {
  /** Settles, without an error, when nothing more will come. */
  readonly ended: Promise<void>;
  readonly #waiting: Uint8Array[] = [];
  #over = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(source: AsyncIterable<Uint8Array>, place: Disposable | undefined) {
    this.ended = this.#read(source).finally(() => place?.[Symbol.dispose]());
  }

  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      yield* this.#waiting.splice(0);
      if (this.#waiting.length > 0) continue;
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#over) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  async #read(source: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const bytes of source) {
        this.#waiting.push(bytes);
        this.#wake();
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#over = true;
    this.#wake();
  }
}
