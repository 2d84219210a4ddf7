import { abortFault, throwIfAborted } from '#base/cancellation';

/** Lets so many work at once; the others wait in order of arrival. */
export class Limiter {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  /** A place; dispose it to give it back. @throws canceled or deadline_exceeded while waiting */
  async enter(signal: AbortSignal): Promise<Disposable> {
    throwIfAborted(signal);
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    return this.#place();
  }

  #place(): Disposable {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#leave();
        held = false;
      },
    };
  }

  /** A place if there is one and nobody waits for it. */
  tryEnter(): Disposable | undefined {
    if (this.#free <= 0) return undefined;
    this.#free--;
    return this.#place();
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const quit = () => {
      const at = this.#waiting.indexOf(resolve);
      if (at < 0) return; // the turn has come already
      this.#waiting.splice(at, 1);
      reject(abortFault(signal));
    };
    signal.addEventListener('abort', quit, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', quit);
    }
  }
}

/** One at a time per key: whoever comes second waits until the first is done or has given up. */
export class KeyedLock {
  readonly #held = new Map<string, Limiter>();
  readonly #users = new Map<string, number>();

  /** @throws canceled or deadline_exceeded while waiting */
  async enter(key: string, signal: AbortSignal): Promise<Disposable> {
    const limiter = this.#held.get(key) ?? new Limiter(1);
    this.#held.set(key, limiter);
    this.#users.set(key, (this.#users.get(key) ?? 0) + 1);
    try {
      const place = await limiter.enter(signal);
      return {
        [Symbol.dispose]: () => {
          place[Symbol.dispose]();
          this.#forget(key);
        },
      };
    } catch (error) {
      this.#forget(key);
      throw error;
    }
  }

  #forget(key: string): void {
    const left = (this.#users.get(key) ?? 1) - 1;
    if (left > 0) {
      this.#users.set(key, left);
      return;
    }
    this.#users.delete(key);
    this.#held.delete(key);
  }
}
