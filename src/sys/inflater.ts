import zlib from 'node:zlib';
import { dataLoss } from '#base/errors';

export type Compression = 'gzip' | 'zstd';

/** Decompresses by synchronous steps between buffers that the caller owns: for worker threads. Closed by disposal. */
export interface Inflater extends Disposable {
  /**
   * Reads from `input[start, end)` and fills `output` from its beginning; `consumed` and `produced` say how far it got. Call again with the
   * rest of the input, also with none, for as long as the whole of `output` was filled. Several gzip members or zstd frames in a row read
   * as one stream; zeros may follow the last gzip member. @throws data_loss for anything else that is not right
   */
  step(input: Uint8Array, start: number, end: number, output: Uint8Array): void;
  readonly consumed: number;
  readonly produced: number;
  /**
   * Says that there is no more input. @throws data_loss when a gzip stream is cut off. (Of zstd the library does not tell: there the digest
   * or what reads the output does.)
   */
  end(): void;
}

export function openInflater(compression: Compression): Inflater {
  return new ZlibInflater(compression);
}

/** What node:zlib's streams drive inside: the only way to decompress in steps without waiting and without a copy of every chunk. */
interface Handle {
  onerror: (message: string, errno: number, code: string) => void;
  writeSync(
    flush: number,
    input: Uint8Array,
    start: number,
    length: number,
    output: Uint8Array,
    outputStart: number,
    outputLength: number,
  ): void;
}
interface Internals {
  readonly _handle: Handle;
  /** Output bytes left free and input bytes left unread by the last call. */
  readonly _writeState: Uint32Array;
}

const nothing = new Uint8Array(1);

class ZlibInflater implements Inflater {
  readonly #compression: Compression;
  readonly #stream: zlib.Gunzip | zlib.ZstdDecompress;
  readonly #inside: Internals;
  #error: Error | undefined;
  /** Only zeros may come now. */
  #over = false;
  consumed = 0;
  produced = 0;

  constructor(compression: Compression) {
    this.#compression = compression;
    this.#stream = compression === 'gzip' ? zlib.createGunzip() : zlib.createZstdDecompress();
    this.#inside = this.#stream as unknown as Internals;
    this.#inside._handle.onerror = (message) => {
      this.#error = dataLoss(`${compression}: ${message.toLowerCase()}`);
    };
  }

  step(input: Uint8Array, start: number, end: number, output: Uint8Array): void {
    const length = end - start;
    if (this.#over) {
      this.#zeros(input, start, end);
      return;
    }
    this.#inside._handle.writeSync(zlib.constants.Z_NO_FLUSH, input, start, length, output, 0, output.length);
    if (this.#error !== undefined) throw this.#error;
    const [free = 0, unread = 0] = this.#inside._writeState;
    this.consumed = length - unread;
    this.produced = output.length - free;
    // zlib's wrapper reads member after member and stops for good at a zero byte where a header should be.
    if (unread > 0 && this.consumed === 0 && this.produced === 0) {
      this.#over = true;
      this.#zeros(input, start, end);
    }
  }

  end(): void {
    if (this.#over) return;
    const flush = this.#compression === 'gzip' ? zlib.constants.Z_FINISH : zlib.constants.ZSTD_e_end;
    this.#inside._handle.writeSync(flush, nothing, 0, 0, new Uint8Array(1), 0, 1);
    if (this.#error !== undefined) throw this.#error;
  }

  [Symbol.dispose](): void {
    this.#stream.close();
  }

  #zeros(input: Uint8Array, start: number, end: number): void {
    for (let i = start; i < end; i++) {
      if (input[i] !== 0) throw dataLoss(`${this.#compression}: something that is not compressed follows the stream`);
    }
    this.consumed = end - start;
    this.produced = 0;
  }
}
