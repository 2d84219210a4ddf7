import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { internal } from '#base/errors';
import { Conveyor } from './conveyor.ts';
import {
  type Answer,
  faultOf,
  type HashJob,
  type HashResult,
  type InflateJob,
  type InflateResult,
  type UntarJob,
  type UntarResult,
} from './unpack-messages.ts';

/** What one unpack yields. */
export interface Unpacked {
  /** Of the uncompressed tar. */
  readonly inflated: HashResult & Pick<InflateResult, 'size'>;
  readonly untarred: UntarResult;
}

export type UnpackTask = Omit<InflateJob, 'shared' | 'hash'> & Omit<UntarJob, 'shared'>;

/** Two threads, or three, and the memory that they share: they unpack one layer at a time. */
class UnpackTeam {
  readonly conveyor = new Conveyor();
  readonly #inflate: Worker;
  readonly #untar: Worker;
  /** From when it was first wanted. */
  #hash: Worker | undefined;
  broken = false;

  constructor() {
    this.#inflate = new Worker(new URL('./inflate.worker.ts', import.meta.url));
    this.#untar = new Worker(new URL('./untar.worker.ts', import.meta.url));
    this.rest();
  }

  /** Waiting threads do not keep the program alive. */
  rest(): void {
    for (const worker of this.#workers()) worker.unref();
  }

  /** `apart`: hashes in a third thread. The conveyor must have been reset for that. */
  async run(task: UnpackTask, apart: boolean): Promise<Unpacked | undefined> {
    const { shared } = this.conveyor;
    const { fd, maxBytes, ...untar } = task;
    if (apart) this.#hash ??= new Worker(new URL('./hash.worker.ts', import.meta.url));
    for (const worker of this.#workers()) worker.ref();
    const inflating = this.#ask<InflateResult>(this.#inflate, { shared, fd, maxBytes, hash: !apart });
    const untarring = this.#ask<UntarResult>(this.#untar, { shared, ...untar });
    const hashing = apart ? this.#ask<HashResult>(this.#hash!, { shared }) : undefined;
    const [inflated, untarred, hashed] = await Promise.all([inflating, untarring, hashing]);
    // When one fails the others are cancelled: whichever has an error is the reason. Two errors: the archive's says more.
    if (!untarred.ok) throw faultOf(untarred);
    if (!inflated.ok) throw faultOf(inflated);
    if (hashed?.ok === false) throw faultOf(hashed);
    const digest = hashed === undefined ? inflated.value?.digest : hashed.value?.digest;
    if (inflated.value === undefined || untarred.value === undefined || digest === undefined) return undefined;
    return { inflated: { digest, size: inflated.value.size }, untarred: untarred.value };
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers().map((worker) => worker.terminate()));
  }

  #workers(): readonly Worker[] {
    return [this.#inflate, this.#untar, ...(this.#hash === undefined ? [] : [this.#hash])];
  }

  async #ask<T>(worker: Worker, job: InflateJob | UntarJob | HashJob): Promise<Answer<T>> {
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
  /** The last ones wait so long instead, since the next image may come soon and their code is compiled; `idleMs` unless told. */
  readonly lastIdleMs?: number;
}

/** A thread takes some twenty milliseconds to start: as long as hashing forty megabytes, which is what this many bytes become. */
const worthThreadBytes = 16e6;

interface IdleTeam {
  readonly team: UnpackTeam;
  timer: NodeJS.Timeout;
}

function later(work: () => void, ms: number): NodeJS.Timeout {
  return setTimeout(work, ms).unref();
}

/** Whether the last of so many teams may have a third thread, or already two of each leave no processor to another one. */
const isRoomFor = (teams: number): boolean => (teams - 1) * 3 < availableParallelism() - 1;

/** One unpack on its way through the threads. */
export interface ThreadedUnpack {
  arrived(size: number): void;
  complete(size: number): void;
  cancel(): void;
  /** `undefined` after `cancel`. Settles only when no thread touches the tree any more. */
  readonly done: Promise<Unpacked | undefined>;
}

/** Keeps teams of threads, made when they are wanted. */
export class UnpackThreads implements AsyncDisposable {
  readonly #options: UnpackThreadsOptions;
  /** Those that rest, the latest last: it is taken first. */
  readonly #idle: IdleTeam[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #disposed = false;

  constructor(options: UnpackThreadsOptions) {
    this.#options = options;
  }

  /** `expectedBytes`: of the compressed layer, as far as is known. */
  start(task: UnpackTask, expectedBytes = 0): ThreadedUnpack {
    let size = 0;
    let complete = false;
    let cancelled = false;
    let conveyor: Conveyor | undefined;
    const done = this.#withTeam(async (team) => {
      if (cancelled) return undefined;
      const apart = expectedBytes >= worthThreadBytes && isRoomFor(this.#busy);
      team.conveyor.reset(apart);
      conveyor = team.conveyor;
      if (complete) conveyor.complete(size);
      else conveyor.arrived(size);
      try {
        return await team.run(task, apart);
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
    await Promise.all(idle.map(({ team }) => team.end()));
  }

  async #withTeam<T>(use: (team: UnpackTeam) => Promise<T>): Promise<T> {
    if (this.#busy >= this.#options.most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#busy += 1;
    const team = this.#takeTeam();
    try {
      return await use(team);
    } finally {
      this.#release(team);
    }
  }

  #takeTeam(): UnpackTeam {
    const idle = this.#idle.pop();
    if (idle === undefined) return new UnpackTeam();
    clearTimeout(idle.timer);
    return idle.team;
  }

  #release(team: UnpackTeam): void {
    if (team.broken || this.#disposed) void team.end();
    else {
      team.rest();
      const { idleMs, lastIdleMs = idleMs } = this.#options;
      const idle: IdleTeam = { team, timer: later(() => this.#retire(idle, lastIdleMs - idleMs), idleMs) };
      this.#idle.push(idle);
    }
    // A place is handed on without becoming free in between.
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy -= 1;
    else next();
  }

  /** Ends a team, or after `graceMs` when it is the only one that rests. */
  #retire(idle: IdleTeam, graceMs: number): void {
    if (graceMs > 0 && this.#idle.length === 1) {
      idle.timer = later(() => this.#retire(idle, 0), graceMs);
      return;
    }
    this.#idle.splice(this.#idle.indexOf(idle), 1);
    void idle.team.end();
  }
}
