import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** How long a change may go unnoticed where the kernel tells of none (network file systems), or not of all. */
const pollMs = 250;

/** Tells when a file may have changed, or another has come in its place. */
export class FileChanges implements Disposable {
  readonly #watcher: FSWatcher | undefined;
  #changed = true;
  #wake: (() => void) | undefined;

  constructor(path: string) {
    const name = basename(path);
    try {
      this.#watcher = watch(dirname(path), (_, changed) => {
        if (changed === null || changed === name) this.#tell();
      });
      // The directory may go away with the file: looking at it tells.
      this.#watcher.on('error', () => this.#tell());
    } catch {
      this.#watcher = undefined; // out of watches: looking now and then has to do
    }
  }

  /** Waits for a change since the last wait began, for one of the signals, or for a while. */
  async wait(...signals: readonly AbortSignal[]): Promise<void> {
    if (!this.#changed && signals.every(({ aborted }) => !aborted)) await this.#sleep(signals);
    this.#changed = false;
  }

  async #sleep(signals: readonly AbortSignal[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, pollMs);
    this.#wake = wake;
    for (const signal of signals) signal.addEventListener('abort', wake);
    await promise;
    for (const signal of signals) signal.removeEventListener('abort', wake);
    clearTimeout(timer);
    this.#wake = undefined;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }

  #tell(): void {
    this.#changed = true;
    this.#wake?.();
  }
}
