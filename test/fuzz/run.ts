/**
 * Tries inputs made by chance on everything that reads what strangers write: the daemon's and the client's readers (`daemon`), and the shim's
 * decoders under ASan and UBSan (`shim`), both groups side by side, so long each. The same seed gives the same inputs.
 *
 *   npm run fuzz [-- --seconds N] [--group daemon|shim] [--target NAME[,NAME]] [--seed N] [--from N]
 *
 * A finding is told with the words that repeat it, its input is written to build/fuzz, and the run ends with 1. Put into the corpus
 * (test/fuzz/corpus/TARGET, under a name that says what it is) it is tried by `npm test` for ever after.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildShimFuzzer, fuzzShim, shimTargets } from './shim.ts';
import { inputOf, materialOf } from './target.ts';
import { corpusOf, foundDirectory, targets } from './targets.ts';
import type { Order, Report } from './worker.ts';

/** What no input may take, whatever the machine does besides. */
const hangMs = 20_000;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    group: { type: 'string', default: 'daemon,shim' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Date.now() / 86_400_000)) },
    from: { type: 'string', default: '0' },
  },
});
const [seconds, seed, from] = [options.seconds, options.seed, options.from].map((text, i) => {
  const number = Number(text);
  if (!Number.isFinite(number) || number < 0)
    throw new Error(`--${['seconds', 'seed', 'from'][i]} ${text}: wanted a number`);
  return number;
}) as [number, number, number];

buildShimFuzzer();
const groups = { daemon: targets.map(({ name }) => name), shim: shimTargets() };
const wanted = options.target?.split(',');
const unknown = wanted?.find((name) => !Object.values(groups).some((names) => names.includes(name)));
if (unknown !== undefined) throw new Error(`--target ${unknown}: wanted ${Object.values(groups).flat().join(', ')}`);
const chosen = (group: keyof typeof groups) =>
  options.group.split(',').includes(group) ? groups[group].filter((name) => wanted?.includes(name) ?? true) : [];

console.log(`fuzz: seed ${seed}, ${seconds} s a group`);
const [inDaemon, inShim] = await Promise.all([
  inTurn(chosen('daemon'), (name, ms) => fuzzDaemon(name, ms)),
  inTurn(chosen('shim'), (name, ms) => fuzzShim(name, seed, ms)),
]);
const findings = inDaemon + inShim;
console.log(findings === 0 ? 'fuzz: nothing found' : `fuzz: ${findings} findings`);
process.exit(findings === 0 ? 0 : 1);

/** Each target has the same share of the time. Returns how many had a finding. */
async function inTurn(names: readonly string[], fuzz: (name: string, ms: number) => Promise<boolean>): Promise<number> {
  let found = 0;
  for (const name of names) if (!(await fuzz(name, (seconds * 1000) / names.length))) found++;
  return found;
}

async function fuzzDaemon(name: string, milliseconds: number): Promise<boolean> {
  const progress = new SharedArrayBuffer(4);
  const worker = new Worker(new URL('./worker.ts', import.meta.url));
  const { promise, resolve } = Promise.withResolvers<Report>();
  worker.addEventListener('message', ({ data }: { readonly data: Report }) => resolve(data));
  worker.addEventListener('error', ({ message }) =>
    resolve({ kind: 'finding', n: new Int32Array(progress)[0] ?? 0, message }),
  );
  worker.postMessage({ target: name, seed, from, milliseconds, progress } satisfies Order);
  let last = -1;
  const watch = setInterval(() => {
    const n = Atomics.load(new Int32Array(progress), 0);
    if (n === last) resolve({ kind: 'finding', n, message: `hangs for more than ${hangMs / 1000} s` });
    last = n;
  }, hangMs);
  const report = await promise;
  clearInterval(watch);
  worker.terminate();
  if (report.kind === 'done') {
    console.log(
      `  ${name.padEnd(16)} ${String(report.inputs).padStart(8)} inputs, memory grew by ${report.peakMb} MiB at most`,
    );
    return true;
  }
  console.log(`  ${name}: FOUND: ${report.message}`);
  if (report.n >= 0) keep(name, report.n);
  return false;
}

/** Makes the input again, and puts it where tests find it. */
function keep(name: string, n: number): void {
  const target = targets.find((each) => each.name === name);
  if (target === undefined) return;
  const material = materialOf(
    target,
    corpusOf(name).map(({ bytes }) => bytes),
  );
  const bytes = inputOf(target, material, seed, n);
  const file = `${foundDirectory}${name}-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`;
  mkdirSync(foundDirectory, { recursive: true });
  writeFileSync(file, bytes);
  console.log(`    again: npm run fuzz -- --target ${name} --seed ${seed} --from ${n}; input: ${file}`);
}
