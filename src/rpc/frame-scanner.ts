export const headerBytes = 9;
const none = Buffer.alloc(0);

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  /** Header and payload, the very bytes that pass: what is changed here is changed there. Of frames that are wanted whole only. */
  readonly bytes: Buffer | undefined;
}

export interface ScannerOptions {
  /** Bytes before the first frame. */
  readonly skip?: number;
  /** Whether a frame is to be held back until all of it is there. */
  wanted?(type: number, flags: number, length: number): boolean;
  /** Told of each frame as it ends. */
  readonly onFrame: (frame: Frame) => void;
}

/** What of a stream may pass now. */
export interface Passed {
  readonly bytes: Buffer;
  /** Where in them the last frame ends; -1 when none does. */
  readonly lastEnd: number;
}

/** Finds HTTP/2 frames in bytes that pass by. Costs a look at each frame's header. */
export class FrameScanner {
  readonly #options: ScannerOptions;
  #held: Buffer = none;
  #skip: number;
  /** Bytes that the present frame still has, and the frame. */
  #rest = 0;
  #present: Frame | undefined;

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#skip = options.skip ?? 0;
  }

  /** Whether what has passed ends where a frame does. */
  get between(): boolean {
    return this.#skip === 0 && this.#rest === 0;
  }

  scan(chunk: Buffer): Passed {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = Math.min(this.#skip, bytes.length);
    this.#skip -= at;
    let lastEnd = -1;
    while (at < bytes.length) {
      if (this.#rest === 0 && !this.#begin(bytes, at)) break;
      const taken = Math.min(this.#rest, bytes.length - at);
      this.#rest -= taken;
      at += taken;
      if (this.#rest > 0) break;
      lastEnd = at;
      if (this.#present !== undefined) this.#options.onFrame(this.#present);
    }
    this.#held = at < bytes.length ? Buffer.from(bytes.subarray(at)) : none;
    return { bytes: bytes.subarray(0, at), lastEnd };
  }

  /** False when more bytes are needed first. */
  #begin(bytes: Buffer, at: number): boolean {
    if (bytes.length - at < headerBytes) return false;
    const length = bytes.readUIntBE(at, 3);
    const [type = 0, flags = 0] = bytes.subarray(at + 3, at + 5);
    const wanted = this.#options.wanted?.(type, flags, length) === true;
    if (wanted && bytes.length - at < headerBytes + length) return false;
    this.#rest = headerBytes + length;
    const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    this.#present = { type, flags, stream, bytes: wanted ? bytes.subarray(at, at + headerBytes + length) : undefined };
    return true;
  }
}
