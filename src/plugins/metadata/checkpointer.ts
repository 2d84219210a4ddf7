import { Worker } from 'node:worker_threads';
import type { Log } from '#base/log';

/** So much log, and it is moved into the database even under load. */
const busyBytes = 16 << 20;
/** So much is moved when nothing has been written for a while. */
const idleBytes = 1 << 20;
const idleMs = 10_000;
/** How many writes may pass before the log's size is looked at. */
const writesPerLook = 64;

export interface CheckpointerOptions {
  readonly path: string;
  readonly log: Log;
  logSize(): Promise<number>;
  /** Runs `work` while no write begins. */
  hold(work: () => Promise<void>): Promise<void>;
}

/** Decides when the write-ahead log is moved into the database, and has a thread do it. */
export class Checkpointer implements AsyncDisposable {
  readonly #options: CheckpointerOptions;
  #writes = 0;
  #idle: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
  }

  /** Called after every commit; costs next to nothing. */
  written(): void {
    this.#writes++;
    if (this.#writes % writesPerLook === 0) this.#consider(busyBytes);
    if (this.#idle === undefined) {
      this.#idle = setTimeout(() => {
        this.#idle = undefined;
        this.#consider(idleBytes);
      }, idleMs);
      this.#idle.unref();
    }
  }

  /** Checkpoints now, or joins the one under way. */
  run(): Promise<void> {
    this.#running ??= this.#checkpoint().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    await this.#running?.catch(() => {});
  }

  #consider(limit: number): void {
    const { log, logSize } = this.#options;
    const check = async () => {
      if (this.#running === undefined && (await logSize()) >= limit) await this.run();
    };
    // A log that is not moved only grows; the next attempt is not far.
    check().catch((thrown: unknown) => log.warn('metadata checkpoint failed', { error: thrown }));
  }

  async #checkpoint(): Promise<void> {
    const worker = new Worker(new URL('./checkpoint.worker.ts', import.meta.url), { workerData: this.#options.path });
    const ended = new Promise<never>((_, reject) => {
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`checkpoint thread ended with ${code}`)));
    });
    const next = () => new Promise<unknown>((resolve) => worker.once('message', resolve));
    try {
      await Promise.race([next(), ended]);
      await this.#options.hold(async () => {
        const done = next();
        worker.postMessage('restart');
        await Promise.race([done, ended]);
      });
    } finally {
      ended.catch(() => {});
      await worker.terminate();
    }
  }
}
