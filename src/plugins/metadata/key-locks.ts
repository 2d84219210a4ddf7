import { abortable } from '#base/cancellation';

/** One holder per key at a time, in order of asking. A holder that hangs holds up its own key only. */
export class KeyLocks {
  readonly #tails = new Map<string, Promise<void>>();

  /** Takes all of these keys. @throws canceled or deadline_exceeded when the signal fires while waiting */
  async take(keys: readonly string[], signal: AbortSignal): Promise<Disposable> {
    const held: Disposable[] = [];
    const release = () => {
      for (const lock of held.splice(0)) lock[Symbol.dispose]();
    };
    try {
      // Always in the same order: two that want the same keys cannot wait for each other.
      for (const key of [...new Set(keys)].sort()) held.push(await this.#take(key, signal));
    } catch (thrown) {
      release();
      throw thrown;
    }
    return { [Symbol.dispose]: release };
  }

  async #take(key: string, signal: AbortSignal): Promise<Disposable> {
    const before = this.#tails.get(key);
    const done = Promise.withResolvers<void>();
    const tail = before === undefined ? done.promise : before.then(() => done.promise);
    this.#tails.set(key, tail);
    tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    try {
      if (before !== undefined) await abortable(before, signal);
    } catch (thrown) {
      done.resolve();
      throw thrown;
    }
    return { [Symbol.dispose]: done.resolve };
  }
}
