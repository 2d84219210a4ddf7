/** What a frame carries. Streams (`data`) are known to the codec only; client and server here are for single calls. */
export const FrameType = { Request: 1, Response: 2, Data: 3 } as const;
export const FrameFlag = { RemoteClosed: 1, RemoteOpen: 2, NoData: 4 } as const;

/** No payload may be longer, in either direction. */
export const maxPayload = 4 << 20;
export const headerLength = 10;

export interface Frame {
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  /** Undefined when the frame was longer than allowed: its bytes were skipped, `length` tells how many. */
  readonly payload: Uint8Array | undefined;
  readonly length: number;
}

/** One frame as bytes. The payload is copied; its length is for the caller to check. */
export function encodeFrame(streamId: number, type: number, payload: Uint8Array, flags = 0): Buffer {
  const frame = Buffer.allocUnsafe(headerLength + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame.writeUInt32BE(streamId, 4);
  frame[8] = type;
  frame[9] = flags;
  frame.set(payload, headerLength);
  return frame;
}

/** Finds the frames in a stream of bytes, however it is cut. Holds at most one payload; never fails: any bytes are frames. */
export class FrameReader {
  readonly #header = Buffer.alloc(headerLength);
  #headerFilled = 0;
  #payload: Buffer | undefined;
  #payloadFilled = 0;

  /** Frames that end in `chunk`, in order. A payload may be a view of `chunk`. */
  *push(chunk: Uint8Array): Generator<Frame> {
    let at = 0;
    while (at < chunk.length || this.#complete()) {
      if (this.#headerFilled < headerLength) {
        at += this.#fillHeader(chunk, at);
        if (this.#headerFilled < headerLength) return;
      }
      const length = this.#header.readUInt32BE(0);
      const wanted = length - this.#payloadFilled;
      const piece = chunk.subarray(at, at + wanted);
      at += piece.length;
      if (length <= maxPayload && (this.#payload !== undefined || piece.length < length)) this.#keep(piece, length);
      this.#payloadFilled += piece.length;
      if (this.#payloadFilled < length) return;
      yield this.#finish(length, piece);
    }
  }

  /** A frame without payload is complete with its header, even at the end of a chunk. */
  #complete(): boolean {
    return this.#headerFilled === headerLength && this.#header.readUInt32BE(0) === this.#payloadFilled;
  }

  #fillHeader(chunk: Uint8Array, at: number): number {
    const piece = chunk.subarray(at, at + headerLength - this.#headerFilled);
    this.#header.set(piece, this.#headerFilled);
    this.#headerFilled += piece.length;
    return piece.length;
  }

  #keep(piece: Uint8Array, length: number): void {
    this.#payload ??= Buffer.allocUnsafeSlow(length);
    this.#payload.set(piece, this.#payloadFilled);
  }

  #finish(length: number, piece: Uint8Array): Frame {
    const frame = {
      streamId: this.#header.readUInt32BE(4),
      type: this.#header[8] as number,
      flags: this.#header[9] as number,
      payload: length > maxPayload ? undefined : (this.#payload ?? piece),
      length,
    };
    this.#headerFilled = 0;
    this.#payload = undefined;
    this.#payloadFilled = 0;
    return frame;
  }
}
