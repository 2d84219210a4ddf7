import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fault } from '#base/errors';

/**
 * Makes commits durable in groups: one `fdatasync` of the write-ahead log is under way at a time, in the thread pool, and everyone who
 * asks meanwhile shares the next.
 */
export class WalSync {
  readonly #file: FileHandle;
  /** Those who wait for the next sync; it has not begun. */
  #wanted: PromiseWithResolvers<void> | undefined;
  #working: Promise<void> | undefined;
  #failure: unknown;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** The log must be there already. Closing this descriptor drops no lock of SQLite's: those are on the database and the -shm file. */
  static async open(walPath: string): Promise<WalSync> {
    // The log may have been made just now: its name must survive too.
    const directory = await open(dirname(walPath), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
    return new WalSync(await open(walPath, 'r'));
  }

  /**
   * Settles when everything that was committed before the call is on disk.
   *
   * @throws unavailable when the disk refused: also for all later calls, since the kernel may have dropped the pages that it could not write.
   */
  flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#broken());
    // Never the sync that is under way: it may have begun before the caller's commit.
    this.#wanted ??= Promise.withResolvers();
    const { promise } = this.#wanted;
    this.#working ??= this.#work();
    return promise;
  }

  /** How many bytes the log has. */
  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  /** Throws from now on. */
  failed(): boolean {
    return this.#failure !== undefined;
  }

  async close(): Promise<void> {
    await this.#working;
    await this.#file.close();
  }

  async #work(): Promise<void> {
    for (let batch = this.#wanted; batch !== undefined; batch = this.#wanted) {
      this.#wanted = undefined;
      try {
        await this.#file.datasync();
        batch.resolve();
      } catch (thrown) {
        this.#failure = thrown;
        batch.reject(this.#broken());
      }
    }
    this.#working = undefined;
  }

  #broken(): Error {
    return fault('unavailable', 'metadata: the disk did not take the log', this.#failure);
  }
}
