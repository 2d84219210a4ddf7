import { type ErrorClass, Fault } from '#base/errors';
import { type Material, mutate, type Random } from './mutate.ts';
import { randomOf, seedOf } from './random.ts';

/** Code that takes bytes from strangers, and what must be true of it whatever they are. */
export interface FuzzTarget {
  /** The folder of its corpus, and its name on the command line. */
  readonly name: string;
  /** Pieces that the format is made of. */
  readonly words?: readonly (string | Uint8Array)[];
  /** What one input may take at most, on its best of three tries; 250 ms unless told. */
  readonly maxMs?: number;
  /** Puts right, in most inputs, what would keep changed bytes from the code behind it: a checksum. */
  readonly seal?: (bytes: Buffer) => Buffer;
  /** @throws whatever is a finding */
  run(bytes: Uint8Array): void | Promise<void>;
  /** Lets go of what it keeps from one input to the next. */
  close?(): void | Promise<void>;
}

/** Errors travel in HTTP/2 trailers and stand in logs. */
const maxMessage = 8192;

/** The work's result, or undefined when it refused with one of these classes. @throws anything else that it throws */
export function accepted<T>(work: () => T, ...classes: readonly ErrorClass[]): T | undefined {
  try {
    return work();
  } catch (thrown) {
    return refusal(thrown, classes);
  }
}

/** As `accepted`, for work that waits. */
export async function acceptedLater<T>(
  work: () => Promise<T>,
  ...classes: readonly ErrorClass[]
): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    return refusal(thrown, classes);
  }
}

function refusal(thrown: unknown, classes: readonly ErrorClass[]): undefined {
  if (!(thrown instanceof Fault) || !classes.includes(thrown.class)) throw thrown;
  if (thrown.message.length > maxMessage) throw new Error(`an error of ${thrown.message.length} characters`);
  return undefined;
}

/** @throws with both, when they differ */
export function same(what: string, got: unknown, wanted: unknown): void {
  if (Bun.deepEquals(got, wanted, true)) return;
  throw new Error(`${what}: ${shown(got)}, wanted ${shown(wanted)}`);
}

/** @throws when it does not hold */
export function holds(what: string, condition: boolean): void {
  if (!condition) throw new Error(`does not hold: ${what}`);
}

const shown = (value: unknown): string => Bun.inspect(value, { depth: 8 }).slice(0, 1000);

/** The bytes as text, as all readers of text here make it. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export const materialOf = (target: FuzzTarget, corpus: readonly Uint8Array[]): Material => ({
  corpus: corpus.length > 0 ? corpus : [new Uint8Array()],
  words: (target.words ?? []).map((word) => (typeof word === 'string' ? Buffer.from(word) : word)),
});

/** Input number `n` of a target under a seed: it depends on nothing that was tried before, so that it can be had again alone. */
export function inputOf(target: FuzzTarget, material: Material, seed: number, n: number): Buffer {
  const random: Random = randomOf(seedOf(target.name, seed, n));
  const bytes = mutate(material, random);
  return target.seal === undefined || random() < 0.2 ? bytes : target.seal(bytes);
}

/**
 * One input, judged. An input that took too long is tried twice more: the machine may have been busy.
 *
 * @throws what the target throws; an error that says how long it took
 */
export async function judge(target: FuzzTarget, bytes: Uint8Array): Promise<void> {
  const { maxMs = 250 } = target;
  let best = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 3 && best > maxMs; tries++) {
    const begin = performance.now();
    const running = target.run(bytes);
    if (running !== undefined) await running;
    best = Math.min(best, performance.now() - begin);
  }
  if (best > maxMs) throw new Error(`takes ${best.toFixed(0)} ms for ${bytes.length} bytes, at most ${maxMs}`);
}
