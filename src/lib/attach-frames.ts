import { dataLoss } from '#base/errors';

/**
 * What goes over the socket at which our shim lets clients attach to a process (`attach=<path>` of `#lib/log-uri`); lengths have their most
 * significant byte first.
 *
 * | direction   | 1 byte                       | 4 bytes          |                   |
 * |-------------|------------------------------|------------------|-------------------|
 * | to client   | 1 stdout, 2 stderr           | length           | so many of output |
 * | from client | 0 input, 1 the input's end   | length, 0 with 1 | so many of input  |
 *
 * An input frame without bytes says that the client is one that gives input. The connection ends with the process's output.
 */
export interface Output {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

const headerLength = 5;
const streams: readonly (Output['stream'] | undefined)[] = [undefined, 'stdout', 'stderr'];

/** Reads what comes from a shim, in whatever pieces. Keeps at most the header of a frame: output is handed on as it comes, not copied. */
export class OutputReader {
  readonly #header = new Uint8Array(headerLength);
  #have = 0;
  #left = 0;
  #stream: Output['stream'] = 'stdout';

  /** The output in this piece; its bytes are views of the chunk. @throws data_loss for what is no frame; nothing can be read after that */
  push(chunk: Uint8Array): Output[] {
    const found: Output[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#left === 0) {
        at = this.#readHeader(chunk, at);
        continue;
      }
      const bytes = chunk.subarray(at, at + this.#left);
      this.#left -= bytes.length;
      at += bytes.length;
      found.push({ stream: this.#stream, bytes });
    }
    return found;
  }

  /** Whether what was read ends where a frame does. */
  get whole(): boolean {
    return this.#left === 0 && this.#have === 0;
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    let at = from;
    while (this.#have < headerLength && at < chunk.length) this.#header[this.#have++] = chunk[at++] as number;
    if (this.#have < headerLength) return at;
    const [kind = 0] = this.#header;
    const stream = streams[kind];
    if (stream === undefined) throw dataLoss(`attach: a frame of kind ${kind}`);
    this.#stream = stream;
    this.#left = new DataView(this.#header.buffer).getUint32(1);
    this.#have = 0;
    return at;
  }
}

/** What goes before so many bytes of input. */
export const inputHeader = (length: number): Uint8Array => header(0, length);

/** The frame that ends the input. */
export const inputEnd = (): Uint8Array => header(1, 0);

function header(kind: number, length: number): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, length);
  return bytes;
}
