import { Worker } from 'node:worker_threads';
import { abortable, abortFault, throwIfAborted } from '#base/cancellation';
import { type ErrorClass, Fault, internal } from '#base/errors';

/**
 * Files of containers are touched in threads of their own: what a container has mounted may never answer, and then only the copy hangs. A
 * thread opens the root anew before it does anything, for the caller's descriptor may be another file's by the time that a thread wakes up.
 */
export type FilesJob =
  | { readonly do: 'pack'; readonly root: number; readonly path: string; readonly noWalk: boolean }
  | {
      readonly do: 'unpack';
      readonly root: number;
      readonly path: string;
      readonly preserveOwnership: boolean;
      readonly tempDir: string;
    };

/** To the thread. `taken`: one more piece was dealt with. `bytes` without a value: there are no more. */
export type ToThread =
  | { readonly kind: 'job'; readonly job: FilesJob }
  | { readonly kind: 'taken' }
  | { readonly kind: 'bytes'; readonly bytes?: Uint8Array }
  | { readonly kind: 'failed' };

/** From the thread. `want`: the next bytes may come. */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }
  | { readonly kind: 'want' }
  | { readonly kind: 'done'; readonly error?: { readonly class: ErrorClass; readonly message: string } };

/** Pieces that the thread may be ahead. */
export const maxAhead = 4;

const giveUpMs = 1000;

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** One thread at its job. Disposing it ends the thread. */
class FilesThread implements AsyncDisposable {
  readonly #worker = new Worker(new URL('./files.worker.ts', import.meta.url));
  readonly #waiting: FromThread[] = [];
  readonly #signal: AbortSignal;
  #failure: { readonly error: unknown } | undefined;
  #wake = () => {};
  readonly #opened = Promise.withResolvers<void>();
  readonly #stop: () => void;

  constructor(job: FilesJob, signal: AbortSignal) {
    this.#signal = signal;
    this.#stop = () => this.#fail(abortFault(signal));
    signal.addEventListener('abort', this.#stop, { once: true });
    this.#worker.on('message', (message: FromThread) => {
      this.#opened.resolve();
      this.#waiting.push(message);
      this.#wake();
    });
    this.#worker.on('error', (error) => this.#fail(internal(`files thread: ${error}`, error)));
    this.#worker.on('exit', (code) => {
      this.#opened.resolve();
      this.#fail(internal(`files thread: ended with ${code}`));
    });
    this.tell({ kind: 'job', job });
  }

  tell(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** The next message; `undefined` at the end. @throws what the thread met with; canceled, deadline_exceeded */
  async next(): Promise<Exclude<FromThread, { kind: 'done' }> | undefined> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message?.kind === 'done') {
        if (message.error !== undefined) throw new Fault(message.error.class, message.error.message);
        return undefined;
      }
      if (message !== undefined) return message;
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#stirred();
    }
  }

  /** Settles when the thread has the root open itself: not before may the caller close his. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#stop);
    await this.#opened.promise;
    void this.#worker.terminate(); // one that the kernel holds ends when that lets go
  }

  /** Has it clear away what it staged; not for long. */
  async giveUp(): Promise<void> {
    this.tell({ kind: 'failed' });
    const late = AbortSignal.timeout(giveUpMs);
    while (!late.aborted && !this.#over) await Promise.race([this.#stirred(), aborted(late)]);
  }

  get #over(): boolean {
    return this.#waiting.some(({ kind }) => kind === 'done');
  }

  #stirred(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }
}

/** See `packPath`; the root stays the caller's. */
export async function* packInThread(
  root: number,
  path: string,
  { noWalk, signal }: { readonly noWalk: boolean; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  throwIfAborted(signal);
  await using thread = new FilesThread({ do: 'pack', root, path, noWalk }, signal);
  for (let message = await thread.next(); message !== undefined; message = await thread.next()) {
    if (message.kind !== 'piece') continue;
    yield message.bytes;
    thread.tell({ kind: 'taken' });
  }
}

/** See `unpackInto`; the root stays the caller's. */
export async function unpackInThread(
  root: number,
  path: string,
  archive: AsyncIterable<Uint8Array>,
  options: { readonly preserveOwnership: boolean; readonly tempDir: string; readonly signal: AbortSignal },
): Promise<void> {
  const { preserveOwnership, tempDir, signal } = options;
  throwIfAborted(signal);
  await using thread = new FilesThread({ do: 'unpack', root, path, preserveOwnership, tempDir }, signal);
  const source = archive[Symbol.asyncIterator]();
  try {
    for (let message = await thread.next(); message !== undefined; message = await thread.next()) {
      if (message.kind !== 'want') continue;
      const { done, value } = await abortable(source.next(), signal);
      thread.tell(done === true ? { kind: 'bytes' } : { kind: 'bytes', bytes: value });
    }
  } catch (thrown) {
    await thread.giveUp();
    throw thrown;
  } finally {
    // Not waited for: one that is asked for bytes which never come does not answer.
    source.return?.().catch(() => {});
  }
}
