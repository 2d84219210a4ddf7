import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { corpusDirectory, corpusOf, foundDirectory } from './targets.ts';

const top = new URL('../..', import.meta.url).pathname;
const program = `${top}build/shim-asan/shim-fuzz`;
// What one input may take of memory; the sanitizers have their own share.
const env = { ...process.env, ASAN_OPTIONS: 'hard_rss_limit_mb=1024:allocator_may_return_null=0' };

/** Builds the program with the shim's decoders, under ASan and UBSan. @throws with what the compiler says */
export function buildShimFuzzer(): void {
  const { status, stdout, stderr } = spawnSync('make', ['-C', `${top}native/shim`, '--no-print-directory', 'fuzz'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`make fuzz: ${stdout}${stderr}`);
}

/** The names of its targets. */
export function shimTargets(): readonly string[] {
  const { stdout } = spawnSync(program, ['list'], { encoding: 'utf8' });
  return stdout.split('\n').filter((name) => name !== '');
}

/** Tries inputs for so long; false when one of them was a finding. */
export async function fuzzShim(name: string, seed: number, milliseconds: number): Promise<boolean> {
  const found = `${foundDirectory}${name}-${seed}`;
  mkdirSync(foundDirectory, { recursive: true });
  const files = filesOf(name);
  const child = spawn(program, ['run', name, String(seed), String(Math.round(milliseconds)), found, ...files], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) console.log(`  ${name.padEnd(16)} ${said.trim().replace(/^\d+/, (n) => n.padStart(8))}`);
  else console.log(`  ${name}: FOUND, input: ${found}\n${said}`);
  return code === 0;
}

/** Tries the corpus of a target. @throws with what the program says */
export function replayShim(name: string): void {
  const { status, stdout, stderr } = spawnSync(program, ['replay', name, ...filesOf(name)], { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: ${stdout}${stderr}`);
}

const filesOf = (name: string): readonly string[] =>
  corpusOf(name).map(({ file }) => `${corpusDirectory(name)}${file}`);
