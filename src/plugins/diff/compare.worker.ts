import { parentPort } from 'node:worker_threads';
import { type CompareMessage, type CompareRequest, maxAhead } from './compare-thread.ts';
import { compareTrees } from './compare-trees.ts';
import { answerOf } from './unpack-messages.ts';

// Runs in a thread of its own: see compare-thread.ts.
parentPort?.on('message', ({ job, shared }: CompareRequest) => {
  const send = (message: CompareMessage, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer);
  const words = new Int32Array(shared);
  let sent = 0;
  const pieces = new Pieces((piece) => {
    for (;;) {
      const taken = Atomics.load(words, 0);
      if (Atomics.load(words, 1) !== 0) return false;
      if (sent - taken < maxAhead) break;
      Atomics.wait(words, 0, taken);
    }
    sent += 1;
    send({ piece }, [piece.buffer]);
    return true;
  });
  const answer = answerOf(() => {
    const result = compareTrees(job, (bytes) => pieces.push(bytes));
    return pieces.end() ? result : undefined;
  });
  send({ answer });
});

const pieceBytes = 1 << 20;

/** Gathers small outputs into pieces that are worth a message. */
class Pieces {
  readonly #send: (piece: Uint8Array<ArrayBuffer>) => boolean;
  #piece = new Uint8Array(pieceBytes);
  #length = 0;

  constructor(send: (piece: Uint8Array<ArrayBuffer>) => boolean) {
    this.#send = send;
  }

  push(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + pieceBytes - this.#length);
      this.#piece.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
      if (this.#length === pieceBytes && !this.end()) return false;
    }
    return true;
  }

  end(): boolean {
    if (this.#length === 0) return true;
    const piece = this.#piece.subarray(0, this.#length);
    this.#piece = new Uint8Array(pieceBytes);
    this.#length = 0;
    return this.#send(piece);
  }
}
