import { fault } from '#base/errors';
import type { Log } from '#base/log';
import type { Envelope } from '#core/events/events';

/** Lengths at which a queue is worth a line in the log; each is told once. */
const firstAlarm = 4096;

/** What may wait for one subscriber: some hours of a busy daemon. The events themselves are the same for all. */
const maxWaiting = 65_536;
const maxWaitingBytes = 64 << 20;

/**
 * One subscriber's queue. A slow reader costs memory here, and a line in the log each time the queue has doubled; one that has so much
 * waiting that he may be taken for dead is cut off, and finds resource_exhausted when he looks again.
 */
export class Subscription implements AsyncIterableIterator<Envelope, undefined> {
  readonly #log: Log;
  readonly #accepts: (envelope: Envelope) => boolean;
  readonly #onEnd: () => void;
  #queue: Envelope[] = [];
  #next = 0;
  #bytes = 0;
  #waiting: { resolve(result: IteratorResult<Envelope, undefined>): void; reject(thrown: unknown): void } | undefined;
  #ended = false;
  #fault: unknown;
  #alarm = firstAlarm;

  constructor(accepts: (envelope: Envelope) => boolean, log: Log, onEnd: () => void) {
    this.#accepts = accepts;
    this.#log = log;
    this.#onEnd = onEnd;
  }

  get length(): number {
    return this.#queue.length - this.#next;
  }

  /** A filter that cannot be evaluated (a hostile regular expression) ends this subscription and no other. */
  offer(envelope: Envelope): void {
    if (this.#ended) return;
    try {
      if (!this.#accepts(envelope)) return;
    } catch (thrown) {
      this.#fault = thrown;
      this.end();
      return;
    }
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting.resolve({ value: envelope, done: false });
      return;
    }
    this.#queue.push(envelope);
    this.#bytes += envelope.event.value.length;
    if (this.length > maxWaiting || this.#bytes > maxWaitingBytes) {
      this.#cutOff();
      return;
    }
    if (this.length < this.#alarm) return;
    this.#alarm *= 2;
    this.#log.warn('a subscriber does not read its events', { waiting: this.length });
  }

  /** What is queued can still be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (this.#fault !== undefined) waiting?.reject(this.#fault);
    else waiting?.resolve({ value: undefined, done: true });
  }

  async next(): Promise<IteratorResult<Envelope, undefined>> {
    const envelope = this.#take();
    if (envelope !== undefined) return { value: envelope, done: false };
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#ended) return { value: undefined, done: true };
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #cutOff(): void {
    this.#log.warn('a subscriber does not read its events: cut off', { waiting: this.length, bytes: this.#bytes });
    this.#fault = fault(
      'resource_exhausted',
      `${this.length} events of ${this.#bytes} bytes are waiting, at most ${maxWaiting} of ${maxWaitingBytes}`,
    );
    this.#drop();
    this.end();
  }

  #drop(): void {
    this.#queue = [];
    this.#next = 0;
    this.#bytes = 0;
  }

  async return(): Promise<IteratorResult<Envelope, undefined>> {
    this.end();
    this.#drop();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // shift() of a long array moves all of it; this does so once per thousand.
  #take(): Envelope | undefined {
    const envelope = this.#queue[this.#next];
    if (envelope === undefined) return undefined;
    this.#next++;
    this.#bytes -= envelope.event.value.length;
    if (this.#next === this.#queue.length || this.#next > 1024) {
      this.#queue = this.#queue.slice(this.#next);
      this.#next = 0;
    }
    return envelope;
  }
}
