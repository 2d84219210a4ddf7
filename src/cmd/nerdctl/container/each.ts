import { isFault } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { findContainer } from '#ops/container/find';
import type { Engine } from '#ops/engine';
import type { Io } from '../../cli/io.ts';
import { said } from '../words.ts';

/** So many are worked on at a time. */
const atOnce = 16;

/**
 * Works on each of the containers that the words mean, beside each other, and prints, in the order of the words, what `work` says of each, or what
 * is wrong with it. The exit code.
 */
export async function forEachContainer(
  engine: Engine,
  io: Io,
  words: readonly string[],
  work: (container: Container, word: string) => Promise<string>,
): Promise<number> {
  return await forEach(io, words, async (word) => work(await findContainer(engine, word), word));
}

/** The same for whatever the words mean. An empty text prints nothing. */
export async function forEach(
  io: Io,
  words: readonly string[],
  work: (word: string) => Promise<string>,
): Promise<number> {
  const doing: Promise<PromiseSettledResult<string>>[] = [];
  const free = places(atOnce);
  for (const word of words) doing.push(free(() => settled(work(word))));
  let code = 0;
  for (const one of doing) {
    const result = await one;
    if (result.status === 'fulfilled') {
      if (result.value !== '') await io.stdout.write(`${result.value}\n`);
      continue;
    }
    if (io.signal.aborted && isFault(result.reason, 'canceled')) throw result.reason;
    await io.stderr.write(`${said(result.reason)}\n`);
    code = 1;
  }
  return code;
}

async function settled<T>(work: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([work]);
  return result as PromiseSettledResult<T>;
}

function places(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
