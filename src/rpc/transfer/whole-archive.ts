import { setTimeout as wait } from 'node:timers/promises';
import { fault } from '#base/errors';

/** A tar ends with two blocks of zeros. */
const trailerBytes = 1024;
/** What was sent before the daemon's answer is under way on the same connection, and may be passed by it. */
const silenceMs = 250;
const defaultPatienceMs = 15_000;

/**
 * The chunks of an archive until it is over: containerd leaves the stream open when it has sent all. Its answer to the call (`sent`)
 * says that nothing more will be written; then the archive's own end and a silence end it, too.
 * @throws data_loss when the archive stops before its end
 */
export async function* wholeArchive(
  chunks: AsyncIterator<Uint8Array>,
  sent: Promise<void>,
  patienceMs = defaultPatienceMs,
): AsyncGenerator<Uint8Array, void, undefined> {
  let zeros = 0;
  let isSent = false;
  const answer = sent.then(
    () => {
      isSent = true;
    },
    () => new Promise<never>(() => {}), // whoever made the call tells of its failure
  );
  for (;;) {
    const next = chunks.next();
    if (!isSent) await Promise.race([next, answer]);
    const isComplete = zeros >= trailerBytes;
    const item = isSent ? await beforeSilence(next, isComplete ? silenceMs : patienceMs) : await next;
    if (item === undefined && !isComplete) throw fault('data_loss', 'the archive stops before its end');
    if (item === undefined || item.done === true) return;
    zeros = zerosAtEnd(item.value, zeros);
    yield item.value;
  }
}

/** What comes next; undefined when nothing comes for so long. */
async function beforeSilence<T>(next: Promise<T>, ms: number): Promise<T | undefined> {
  const over = new AbortController();
  next.catch(() => {}); // whoever waits for it first is told
  const silence = wait(ms, undefined, { signal: over.signal });
  silence.catch(() => {}); // given up
  try {
    return await Promise.race([next, silence]);
  } finally {
    over.abort();
  }
}

/** How many zeros there are at the end of all chunks so far, as far as it matters. */
function zerosAtEnd(chunk: Uint8Array, before: number): number {
  let count = 0;
  while (count < chunk.length && count < trailerBytes && chunk[chunk.length - 1 - count] === 0) count++;
  return count === chunk.length ? Math.min(before + count, trailerBytes) : count;
}
