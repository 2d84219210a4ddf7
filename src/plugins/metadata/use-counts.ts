/** How many use each key at the moment. */
export class UseCounts {
  readonly #counts = new Map<string, number>();

  use(key: string): Disposable {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#counts.get(key) ?? 1) - 1;
        if (left === 0) this.#counts.delete(key);
        else this.#counts.set(key, left);
      },
    };
  }

  inUse(key: string): boolean {
    return this.#counts.has(key);
  }
}
