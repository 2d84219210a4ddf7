import { Worker } from 'node:worker_threads';
import { internal } from '#base/errors';
import { Conveyor } from './conveyor.ts';
import {
  type Answer,
  faultOf,
  type InflateJob,
  type InflateResult,
  type UntarJob,
  type UntarResult,
} from './unpack-messages.ts';

/** What one unpack yields. */
export interface Unpacked {
  readonly inflated: InflateResult;
  readonly untarred: UntarResult;
}

export type UnpackTask = Omit<InflateJob, 'shared'> & Omit<UntarJob, 'shared'>;

/** Two threads and the memory that they share: one unpacks one layer at a time. */
class UnpackPair {
  readonly conveyor = new Conveyor();
  readonly #inflate: Worker;
  readonly #untar: Worker;
  broken = false;

  constructor() {
    this.#inflate = new Worker(new URL('./inflate.worker.ts', import.meta.url));
    this.#untar = new Worker(new URL('./untar.worker.ts', import.meta.url));
    this.rest();
  }

  /** Waiting threads do not keep the program alive. */
  rest(): void {
    this.#inflate.unref();
    this.#untar.unref();
  }

  async run(task: UnpackTask): Promise<Unpacked | undefined> {
    const { conveyor } = this;
    const { shared } = conveyor;
    const { fd, maxBytes, ...untar } = task;
    this.#inflate.ref();
    this.#untar.ref();
    const inflating = this.#ask<InflateResult>(this.#inflate, { shared, fd, maxBytes } satisfies InflateJob);
    const untarring = this.#ask<UntarResult>(this.#untar, { shared, ...untar } satisfies UntarJob);
    const [inflated, untarred] = await Promise.all([inflating, untarring]);
    // When one fails the other is cancelled: whichever has an error is the reason. Two errors: the archive's says more.
    if (!untarred.ok) throw faultOf(untarred);
    if (!inflated.ok) throw faultOf(inflated);
    if (inflated.value === undefined || untarred.value === undefined) return undefined;
    return { inflated: inflated.value, untarred: untarred.value };
  }

  async end(): Promise<void> {
    await Promise.all([this.#inflate.terminate(), this.#untar.terminate()]);
  }

  async #ask<T>(worker: Worker, job: InflateJob | UntarJob): Promise<Answer<T>> {
    const answered = Promise.withResolvers<Answer<T>>();
    const onError = (error: unknown) => {
      this.broken = true;
      const message = error instanceof Error ? error.message : String(error);
      answered.resolve({ ok: false, class: 'internal', message: internal(`unpack thread: ${message}`).message });
    };
    const onExit = (code: number) => onError(new Error(`ended with ${code}`));
    worker.on('message', answered.resolve);
    worker.on('error', onError);
    worker.on('exit', onExit);
    try {
      worker.postMessage(job);
      const answer = await answered.promise;
      if (!answer.ok) this.conveyor.cancel();
      return answer;
    } finally {
      worker.off('message', answered.resolve);
      worker.off('error', onError);
      worker.off('exit', onExit);
    }
  }
}

export interface UnpackThreadsOptions {
  /** Layers unpacked at the same time; more wait. */
  readonly most: number;
  /** Threads without work end after this time, so that an idle daemon is small. */
  readonly idleMs: number;
}

/** One unpack on its way through the threads. */
export interface ThreadedUnpack {
  arrived(size: number): void;
  complete(size: number): void;
  cancel(): void;
  /** `undefined` after `cancel`. Settles only when no thread touches the tree any more. */
  readonly done: Promise<Unpacked | undefined>;
}

/** Keeps pairs of threads, made when they are wanted. */
export class UnpackThreads implements AsyncDisposable {
  readonly #options: UnpackThreadsOptions;
  readonly #idle: { readonly pair: UnpackPair; readonly timer: NodeJS.Timeout }[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #disposed = false;

  constructor(options: UnpackThreadsOptions) {
    this.#options = options;
  }

  start(task: UnpackTask): ThreadedUnpack {
    let size = 0;
    let complete = false;
    let cancelled = false;
    let conveyor: Conveyor | undefined;
    const done = this.#withPair(async (pair) => {
      if (cancelled) return undefined;
      pair.conveyor.reset();
      conveyor = pair.conveyor;
      if (complete) conveyor.complete(size);
      else conveyor.arrived(size);
      try {
        return await pair.run(task);
      } finally {
        conveyor = undefined;
      }
    });
    return {
      arrived(now) {
        size = now;
        conveyor?.arrived(now);
      },
      complete(now) {
        size = now;
        complete = true;
        conveyor?.complete(now);
      },
      cancel() {
        cancelled = true;
        conveyor?.cancel();
      },
      done,
    };
  }

  /** Ends the threads that have no work; those at work end when they have done it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const idle = this.#idle.splice(0);
    for (const { timer } of idle) clearTimeout(timer);
    await Promise.all(idle.map(({ pair }) => pair.end()));
  }

  async #withPair<T>(use: (pair: UnpackPair) => Promise<T>): Promise<T> {
    if (this.#busy >= this.#options.most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#busy += 1;
    const pair = this.#takePair();
    try {
      return await use(pair);
    } finally {
      this.#release(pair);
    }
  }

  #takePair(): UnpackPair {
    const idle = this.#idle.pop();
    if (idle === undefined) return new UnpackPair();
    clearTimeout(idle.timer);
    return idle.pair;
  }

  #release(pair: UnpackPair): void {
    if (pair.broken || this.#disposed) void pair.end();
    else {
      pair.rest();
      const timer = setTimeout(() => {
        this.#idle.splice(
          this.#idle.findIndex((each) => each.pair === pair),
          1,
        );
        void pair.end();
      }, this.#options.idleMs);
      timer.unref();
      this.#idle.push({ pair, timer });
    }
    // A place is handed on without becoming free in between.
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy -= 1;
    else next();
  }
}
