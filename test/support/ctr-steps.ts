import { setTimeout as wait } from 'node:timers/promises';
import { runCtr } from './ctr.ts';
import type { ProgramInput, Ran } from './run-program.ts';

/** Words, exit code, what standard output and standard error must look like (absent: empty). */
export type Step = readonly [words: string, code: number, out?: RegExp | undefined, err?: RegExp];

const patienceMs = 100_000;

/** Runs our ctr at a daemon, in a namespace; words are cut at spaces. */
export const ctrAt =
  (address: string, namespace: string) =>
  (words: string, input?: ProgramInput): Promise<Ran> =>
    runCtr(['-a', address, '-n', namespace, ...words.split(' ')], input);

/** Runs steps one after the other. @throws for the first that does not end as it should */
export async function walkSteps(ctr: ReturnType<typeof ctrAt>, steps: readonly Step[], input?: ProgramInput) {
  for (const [words, code, out = /^$/, err = /^$/] of steps) {
    const stuck = { code: -1, out: '', err: `no end within ${patienceMs / 1000} s` };
    const ran = await Promise.race([ctr(words, input), wait(patienceMs, stuck, { ref: false })]);
    if (ran.code !== code || !out.test(ran.out) || !err.test(ran.err))
      throw new Error(`ctr ${words}: wanted ${code} ${out} ${err}, got ${JSON.stringify(ran, undefined, 1)}`);
  }
}
