/**
 * The memory that the threads of one unpack share: how much of the layer has arrived, and a ring of slots in which uncompressed
 * bytes go from the thread that inflates to the thread that writes files and, when there is one, the thread that hashes. Nothing is
 * copied, and nobody polls: all sleep in `Atomics.wait`. The main thread only stores and notifies.
 */

/** Small enough for the slots in use to stay in the processor's cache, large enough that most files lie in one. */
export const slotBytes = 1 << 19;
const slotCount = 8;

// Indexes of the 32-bit words.
const produced = 0;
const ended = 1;
const cancelled = 2;
// Counters of events, one for each kind of sleeper: read before looking, waited on when there was nothing to see.
const forReader = 3;
const forFiller = 4;
const forTaker = 5;
// Slots that were given back.
const byUntar = 6;
const byHash = 7;
const hashing = 8;
const lengths = 16;
const headBytes = 256;
// Indexes of the 64-bit words, behind the first 128 bytes.
const arrived = 0;
const complete = 1;

const incomplete = -1n;

/** Who takes the filled slots: each all of them, in order. */
export type Taker = 'untar' | 'hash';

const givenBack: Readonly<Record<Taker, number>> = { untar: byUntar, hash: byHash };

export class Conveyor {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #sizes: BigInt64Array;

  /** On fresh memory, or on another thread's. */
  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(headBytes + slotCount * slotBytes)) {
    this.shared = shared;
    this.#words = new Int32Array(shared, 0, lengths + slotCount);
    this.#sizes = new BigInt64Array(shared, 128, 2);
  }

  /** Makes it ready for the next layer, with or without a thread that hashes. No thread may be using it. */
  reset(hashed: boolean): void {
    this.#words.fill(0);
    this.#words[hashing] = hashed ? 1 : 0;
    Atomics.store(this.#sizes, arrived, 0n);
    Atomics.store(this.#sizes, complete, incomplete);
  }

  // The main thread.

  arrived(size: number): void {
    Atomics.store(this.#sizes, arrived, BigInt(size));
    this.#wake(forReader);
  }

  complete(size: number): void {
    Atomics.store(this.#sizes, complete, BigInt(size));
    this.arrived(size);
  }

  /** Stops both threads as soon as they look. */
  cancel(): void {
    Atomics.store(this.#words, cancelled, 1);
    this.#wake(forReader);
    this.#wake(forFiller);
    this.#wake(forTaker);
  }

  get cancelled(): boolean {
    return Atomics.load(this.#words, cancelled) !== 0;
  }

  // The thread that inflates.

  /** Sleeps until more than `have` bytes have arrived, or all; `undefined` when cancelled. */
  waitForBytes(have: number): { readonly size: number; readonly last: boolean } | undefined {
    for (;;) {
      const seen = Atomics.load(this.#words, forReader);
      if (this.cancelled) return undefined;
      // In this order, and the whole size from the one word: between two looks the layer may have become complete.
      const whole = Atomics.load(this.#sizes, complete);
      if (whole !== incomplete) return { size: Number(whole), last: true };
      const size = Number(Atomics.load(this.#sizes, arrived));
      if (size > have) return { size, last: false };
      Atomics.wait(this.#words, forReader, seen);
    }
  }

  /** A slot to fill; `undefined` when cancelled. */
  freeSlot(): Uint8Array | undefined {
    for (;;) {
      const seen = Atomics.load(this.#words, forFiller);
      if (this.cancelled) return undefined;
      const filled = Atomics.load(this.#words, produced);
      if (this.#isFree(filled)) return this.#slot(filled, slotBytes);
      Atomics.wait(this.#words, forFiller, seen);
    }
  }

  /** Hands the last free slot over with this many bytes in it. */
  handOver(length: number): void {
    const filled = Atomics.load(this.#words, produced);
    this.#words[lengths + (filled & (slotCount - 1))] = length;
    Atomics.add(this.#words, produced, 1);
    this.#wake(forTaker);
  }

  /** Says that no more slots come. */
  end(): void {
    Atomics.store(this.#words, ended, 1);
    this.#wake(forTaker);
  }

  // The threads that write files and hash.

  /** The next filled slot; `undefined` at the end or when cancelled. Give it back with `giveBack`. */
  take(taker: Taker): Uint8Array | undefined {
    for (;;) {
      const seen = Atomics.load(this.#words, forTaker);
      if (this.cancelled) return undefined;
      const over = Atomics.load(this.#words, ended) !== 0;
      const done = Atomics.load(this.#words, givenBack[taker]);
      if (Atomics.load(this.#words, produced) !== done) {
        return this.#slot(done, this.#words[lengths + (done & (slotCount - 1))]!);
      }
      if (over) return undefined;
      Atomics.wait(this.#words, forTaker, seen);
    }
  }

  giveBack(taker: Taker): void {
    Atomics.add(this.#words, givenBack[taker], 1);
    this.#wake(forFiller);
  }

  /** Whether what was in the slot before was taken by all. */
  #isFree(number: number): boolean {
    const isTaken = (taker: number) => ((number - Atomics.load(this.#words, taker)) | 0) < slotCount;
    return isTaken(byUntar) && (this.#words[hashing] === 0 || isTaken(byHash));
  }

  #slot(number: number, length: number): Uint8Array {
    return new Uint8Array(this.shared, headBytes + (number & (slotCount - 1)) * slotBytes, length);
  }

  #wake(counter: number): void {
    Atomics.add(this.#words, counter, 1);
    Atomics.notify(this.#words, counter);
  }
}
