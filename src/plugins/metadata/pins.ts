/**
 * Keeps apart those who make an object in a backend and those who remove it.
 *
 * A pin stands from before the object is made until its row is committed (or as long as somebody reads it). A removal looks for pins and
 * rows and starts in one go; a pin that comes later waits for its end.
 */
export class Pins {
  readonly #pins = new Map<string, number>();
  readonly #removals = new Map<string, Promise<void>>();

  async pin(key: string): Promise<Disposable> {
    for (let removal = this.#removals.get(key); removal !== undefined; removal = this.#removals.get(key)) await removal;
    this.#pins.set(key, (this.#pins.get(key) ?? 0) + 1);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#unpin(key);
        held = false;
      },
    };
  }

  pinned(key: string): boolean {
    return this.#pins.has(key);
  }

  /** Runs `remove` unless the object is pinned, being removed, or `needed`. False when it was not run. */
  async removeUnless(key: string, needed: () => boolean, remove: () => Promise<void>): Promise<boolean> {
    if (this.pinned(key) || this.#removals.has(key) || needed()) return false;
    const work = remove();
    const ended = work.then(
      () => void this.#removals.delete(key),
      () => void this.#removals.delete(key),
    );
    this.#removals.set(key, ended);
    await work;
    return true;
  }

  #unpin(key: string): void {
    const left = (this.#pins.get(key) ?? 1) - 1;
    if (left === 0) this.#pins.delete(key);
    else this.#pins.set(key, left);
  }
}
