import { Worker } from 'node:worker_threads';
import { abortFault, throwIfAborted } from '#base/cancellation';
import { internal } from '#base/errors';
import type { CompareJob, CompareResult } from './compare-trees.ts';
import { type Answer, faultOf } from './unpack-messages.ts';

/** Word 0 counts the pieces that were written, word 1 is set to stop the thread. */
export interface CompareRequest {
  readonly job: CompareJob;
  readonly shared: SharedArrayBuffer;
}

export type CompareMessage =
  | { readonly piece: Uint8Array; readonly answer?: undefined }
  | { readonly answer: Answer<CompareResult>; readonly piece?: undefined };

/** Pieces (of a megabyte) that the thread may be ahead of the store. */
export const maxAhead = 4;

/**
 * Compares in a thread of its own, which ends afterwards, and hands the layer over piece by piece, each when the one before was dealt with.
 * @throws canceled; what the file system says; what `write` throws
 */
export async function compareInThread(
  job: CompareJob,
  write: (piece: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<CompareResult> {
  throwIfAborted(signal);
  const shared = new SharedArrayBuffer(8);
  const words = new Int32Array(shared);
  const stop = () => {
    Atomics.store(words, 1, 1);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
  };
  const worker = new Worker(new URL('./compare.worker.ts', import.meta.url));
  signal.addEventListener('abort', stop, { once: true });
  try {
    const answer = await answerFrom(
      worker,
      { job, shared },
      async (piece) => {
        await write(piece);
        Atomics.add(words, 0, 1);
        Atomics.notify(words, 0);
      },
      stop,
    );
    if (!answer.ok) throw faultOf(answer);
    if (answer.value === undefined) throw abortFault(signal);
    return answer.value;
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

function answerFrom(
  worker: Worker,
  request: CompareRequest,
  write: (piece: Uint8Array) => Promise<void>,
  stop: () => void,
): Promise<Answer<CompareResult>> {
  const answered = Promise.withResolvers<Answer<CompareResult>>();
  const died = (error: unknown) => answered.reject(internal(`compare thread: ${error}`, error));
  worker.on('error', died);
  worker.on('exit', (code) => died(`ended with ${code}`));
  let writing: Promise<void> = Promise.resolve();
  worker.on('message', ({ piece, answer }: CompareMessage) => {
    writing = writing.then(() => (piece === undefined ? answered.resolve(answer) : write(piece)));
    writing.catch((thrown) => {
      stop();
      answered.reject(thrown);
    });
  });
  worker.postMessage(request);
  return answered.promise;
}
