import { afterAll, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { buildShimFuzzer, replayShim, shimTargets } from './shim.ts';
import { inputOf, judge, materialOf } from './target.ts';
import { corpusOf, targets } from './targets.ts';

/** A few of what `npm run fuzz` tries, so that a target that finds everything or takes for ever is noticed here. */
const inputs = 300;
const patienceMs = 30_000;

afterAll(async () => {
  for (const { close } of targets) await close?.();
});

for (const target of targets) {
  test(
    `${target.name}: the corpus, and a few inputs made of it, are read or refused`,
    async () => {
      const corpus = corpusOf(target.name);
      expect(corpus.length).toBeGreaterThan(2);
      for (const { file, bytes } of corpus) await judge(target, bytes).catch((thrown) => blame(file, thrown));
      const material = materialOf(
        target,
        corpus.map(({ bytes }) => bytes),
      );
      for (let n = 0; n < inputs; n++)
        await judge(target, inputOf(target, material, 1, n)).catch((thrown) => blame(`seed 1, number ${n}`, thrown));
    },
    patienceMs,
  );
}

test("the shim's decoders take or refuse their corpora under the sanitizers", () => {
  buildShimFuzzer();
  expect(shimTargets().length).toBeGreaterThan(5);
  for (const name of shimTargets()) replayShim(name);
}, 120_000);

test('every corpus belongs to a target', () => {
  const known = [...targets.map(({ name }) => name), ...shimTargets()];
  const folders = readdirSync(new URL('./corpus', import.meta.url));
  expect(folders.sort()).toEqual(known.sort());
});

test('an input can be had again by target, seed and number, and differs with each of them', () => {
  const [first, second] = targets.slice(3, 5) as [(typeof targets)[number], (typeof targets)[number]];
  const material = materialOf(first, [Buffer.from('{"a":[1,2,3],"b":"c"}')]);
  const text = (target: typeof first, seed: number, n: number) => inputOf(target, material, seed, n).toString('hex');
  expect(text(first, 7, 5)).toBe(text(first, 7, 5));
  expect(new Set([text(first, 7, 5), text(first, 7, 6), text(first, 8, 5), text(second, 7, 5)]).size).toBeGreaterThan(
    2,
  );
});

test('what takes too long on each of three tries is a finding, what did so once is none', async () => {
  let tries = 0;
  const slowFor = (times: number) => ({
    name: 'slow',
    maxMs: 150,
    run: () => Bun.sleepSync(tries++ < times ? 200 : 0),
  });
  expect(await judge(slowFor(1), new Uint8Array(3)).then(() => tries)).toBe(2);
  tries = 0;
  await expect(judge(slowFor(9), new Uint8Array(3))).rejects.toThrow('ms for 3 bytes, at most 150');
});

function blame(what: string, thrown: unknown): never {
  throw new Error(`${what}: ${thrown}`, { cause: thrown });
}
