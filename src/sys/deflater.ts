import zlib from 'node:zlib';
import { internal } from '#base/errors';
import type { Compression } from './inflater.ts';

/** Compresses by synchronous steps: for worker threads. Closed by disposal. The same input gives the same output. */
export interface Deflater extends Disposable {
  /** Compresses all of `input`; `take` receives the output in pieces that are valid only until it returns. */
  push(input: Uint8Array, take: (output: Uint8Array) => void): void;
  /** Ends the stream. */
  end(take: (output: Uint8Array) => void): void;
}

export function openDeflater(compression: Compression): Deflater {
  return new ZlibDeflater(compression);
}

/** See `inflater.ts`: what node:zlib's streams drive inside. */
interface Internals {
  readonly _handle: {
    onerror: (message: string) => void;
    writeSync(
      flush: number,
      input: Uint8Array,
      start: number,
      length: number,
      output: Uint8Array,
      outputStart: number,
      outputLength: number,
    ): void;
  };
  readonly _writeState: Uint32Array;
}

const outputBytes = 1 << 18;
const nothing = new Uint8Array(1);

class ZlibDeflater implements Deflater {
  readonly #stream: zlib.Gzip | zlib.ZstdCompress;
  readonly #inside: Internals;
  readonly #output = new Uint8Array(outputBytes);
  readonly #flush: { readonly run: number; readonly end: number };
  #error: Error | undefined;

  constructor(compression: Compression) {
    const { constants } = zlib;
    const gzip = compression === 'gzip';
    this.#stream = gzip ? zlib.createGzip() : zlib.createZstdCompress();
    this.#flush = gzip
      ? { run: constants.Z_NO_FLUSH, end: constants.Z_FINISH }
      : { run: constants.ZSTD_e_continue, end: constants.ZSTD_e_end };
    this.#inside = this.#stream as unknown as Internals;
    this.#inside._handle.onerror = (message) => {
      this.#error = internal(`${compression}: ${message}`);
    };
  }

  push(input: Uint8Array, take: (output: Uint8Array) => void): void {
    let start = 0;
    while (start < input.length) start += this.#step(this.#flush.run, input, start, input.length - start, take);
  }

  end(take: (output: Uint8Array) => void): void {
    let full = true;
    while (full) {
      this.#step(this.#flush.end, nothing, 0, 0, take);
      full = this.#inside._writeState[0] === 0;
    }
  }

  [Symbol.dispose](): void {
    this.#stream.close();
  }

  #step(flush: number, input: Uint8Array, start: number, length: number, take: (output: Uint8Array) => void): number {
    this.#inside._handle.writeSync(flush, input, start, length, this.#output, 0, outputBytes);
    if (this.#error !== undefined) throw this.#error;
    const [free = 0, unread = 0] = this.#inside._writeState;
    if (free < outputBytes) take(this.#output.subarray(0, outputBytes - free));
    return length - unread;
  }
}
