import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { dataLoss, fault } from '#base/errors';
import { type Compression, type Inflater, openInflater } from '#sys/inflater';
import { Conveyor } from './conveyor.ts';
import { digestOf } from './hash-layer.ts';
import type { InflateJob, InflateResult } from './unpack-messages.ts';

/**
 * Follows a growing file, which stays the caller's, inflates it (and hashes it when told to), and hands the uncompressed bytes over. Blocks
 * its thread. `undefined` when it was cancelled. @throws data_loss for a damaged stream; resource_exhausted beyond the limit
 */
export function inflateLayer(job: InflateJob): InflateResult | undefined {
  const conveyor = new Conveyor(job.shared);
  return new Inflation(conveyor, job).run();
}

const inputBytes = 1 << 18;

class Inflation {
  readonly #conveyor: Conveyor;
  readonly #fd: number;
  readonly #maxBytes: number;
  readonly #hash: Hash | undefined;
  readonly #input = new Uint8Array(inputBytes);
  /** Read from the file so far. */
  #offset = 0;
  /** May be read, as far as we were told. */
  #arrived = 0;
  #last = false;
  #size = 0;

  constructor(conveyor: Conveyor, { fd, maxBytes, hash }: InflateJob) {
    this.#conveyor = conveyor;
    this.#fd = fd;
    this.#maxBytes = maxBytes;
    this.#hash = hash ? createHash('sha256') : undefined;
  }

  run(): InflateResult | undefined {
    // The first bytes tell the compression, whatever the media type says.
    const head = this.#read(this.#input, 4);
    if (head === undefined) return undefined;
    const compression = compressionOf(this.#input.subarray(0, head));
    const done = compression === undefined ? this.#copy(head) : this.#inflate(compression, head);
    if (!done) return undefined;
    this.#conveyor.end();
    return { size: this.#size, digest: this.#hash === undefined ? undefined : digestOf(this.#hash) };
  }

  #inflate(compression: Compression, head: number): boolean {
    using inflater = openInflater(compression);
    let length = head;
    for (;;) {
      if (!this.#inflateInput(inflater, length)) return false;
      const more = this.#read(this.#input, 1);
      if (more === undefined) return false;
      if (more === 0) break;
      length = more;
    }
    inflater.end();
    return true;
  }

  #inflateInput(inflater: Inflater, length: number): boolean {
    let start = 0;
    for (;;) {
      const slot = this.#conveyor.freeSlot();
      if (slot === undefined) return false;
      inflater.step(this.#input, start, length, slot);
      start += inflater.consumed;
      if (inflater.produced > 0) this.#deliver(slot.subarray(0, inflater.produced));
      if (start === length && inflater.produced < slot.length) return true;
    }
  }

  /** Uncompressed: what was read to find that out, then the file straight into the slots. */
  #copy(head: number): boolean {
    for (let length: number | undefined = head; length !== 0; ) {
      const slot = this.#conveyor.freeSlot();
      if (slot === undefined) return false;
      if (this.#size === 0) slot.set(this.#input.subarray(0, head));
      else length = this.#read(slot, 1);
      if (length === undefined) return false;
      if (length > 0) this.#deliver(slot.subarray(0, length));
    }
    return true;
  }

  #deliver(bytes: Uint8Array): void {
    this.#size += bytes.length;
    if (this.#size > this.#maxBytes) {
      throw fault('resource_exhausted', `layer has more than ${this.#maxBytes} bytes uncompressed`);
    }
    this.#hash?.update(bytes);
    this.#conveyor.handOver(bytes.length);
  }

  /** Up to a buffer full of the file, at least `least` bytes unless it ends before; `undefined` when cancelled. */
  #read(into: Uint8Array, least: number): number | undefined {
    let got = 0;
    while (got < least) {
      if (this.#offset === this.#arrived && !this.#last) {
        const told = this.#conveyor.waitForBytes(this.#arrived);
        if (told === undefined) return undefined;
        this.#arrived = told.size;
        this.#last = told.last;
      }
      const wanted = Math.min(into.length - got, this.#arrived - this.#offset);
      if (wanted === 0) return got;
      const length = readSync(this.#fd, into, got, wanted, this.#offset);
      if (length === 0) throw dataLoss(`layer: the file ends at ${this.#offset} of ${this.#arrived} bytes`);
      got += length;
      this.#offset += length;
    }
    return got;
  }
}

/** By the first bytes; `undefined` for what is not compressed. */
export function compressionOf(head: Uint8Array): Compression | undefined {
  const [a, b, c, d] = head;
  if (a === 0x1f && b === 0x8b && c === 0x08) return 'gzip';
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'zstd';
  // A skippable frame, which may come first.
  if (a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) return 'zstd';
  return undefined;
}
