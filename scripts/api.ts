/**
 * Makes src/api from api/: `bun scripts/api.ts`; with `--check` only says whether the two agree.
 *
 * Needs protoc (Debian: protobuf-compiler). What protoc-gen-es writes is changed in one respect: TypeScript's `enum` cannot
 * be erased, so that each becomes a frozen table and a type of the same name.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const protoDir = join(root, 'api');
const outDir = join(root, 'src/api');
const plugin = join(root, 'node_modules/.bin/protoc-gen-es');

const wanted = generate();
const present = readTree(outDir, '_pb.ts');
const stale = [...new Set([...wanted.keys(), ...present.keys()])].filter(
  (path) => wanted.get(path) !== present.get(path),
);

if (process.argv.includes('--check')) {
  for (const path of stale) console.error(`src/api/${path}: differs from what api/ says; run \`npm run api\``);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  rmSync(outDir, { recursive: true, force: true });
  for (const [path, text] of wanted) {
    mkdirSync(dirname(join(outDir, path)), { recursive: true });
    writeFileSync(join(outDir, path), text);
  }
  console.log(`src/api: ${wanted.size} files, ${stale.length} changed`);
}

/** Runs protoc into a directory of its own; answers path → text. */
function generate(): Map<string, string> {
  const scratch = mkdtempSync(join(tmpdir(), 'berth-api-'));
  try {
    const files = [...readTree(protoDir, '.proto').keys()].sort();
    const options = 'target=ts,import_extension=ts';
    const args = [`-I${protoDir}`, `--plugin=protoc-gen-es=${plugin}`, `--es_out=${scratch}`, `--es_opt=${options}`];
    execFileSync('protoc', [...args, ...files], { stdio: ['ignore', 'inherit', 'inherit'] });
    return new Map([...readTree(scratch, '_pb.ts')].map(([path, text]) => [path, withoutEnums(text)]));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function readTree(dir: string, ending: string): Map<string, string> {
  const found = new Map<string, string>();
  let names: string[] = [];
  try {
    names = readdirSync(dir, { recursive: true, encoding: 'utf8' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  for (const name of names) if (name.endsWith(ending)) found.set(name, readFileSync(join(dir, name), 'utf8'));
  return found;
}

function withoutEnums(text: string): string {
  return text.replace(/^export enum (\w+) \{\n([\s\S]*?)^\}\n/gm, (_, name: string, body: string) => {
    const members = body.replace(/^ {2}(\w+) = (-?\d+),$/gm, '  $1: $2,');
    return `export const ${name} = {\n${members}} as const;\n\nexport type ${name} = (typeof ${name})[keyof typeof ${name}];\n`;
  });
}
