import { syncFilesystem } from '#sys/fs';

/**
 * Puts a filesystem's dirty data on disk before a commit is acknowledged. One sync is under way at a time; everyone who
 * asks meanwhile shares the next one, so that ten layers that end together cost two.
 */
export class Syncer {
  readonly #path: string;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** `path`: anything on the filesystem. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Settles when everything written before the call is on disk. @throws EIO and its like */
  sync(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#run();
      return this.#running;
    }
    this.#next ??= this.#running.then(
      () => this.#follow(),
      () => this.#follow(),
    );
    return this.#next;
  }

  #follow(): Promise<void> {
    this.#next = undefined;
    this.#running = this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    try {
      await syncFilesystem(this.#path);
    } finally {
      this.#running = undefined;
    }
  }
}
