/**
 * Checks who imports whom: the table below is the architecture. Also the rules that a linter has no words for:
 * file length, forbidden file names, and that only the kernel-facing layers touch Bun.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;

/** Layer → layers it may import (itself is understood). `npm` names packages that only these layers may use. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  lib: ['base'],
  api: [],
  sys: ['base'],
  core: ['base', 'lib'],
  rpc: ['base', 'lib', 'core', 'api'],
  client: ['base', 'lib', 'core', 'api', 'rpc', 'sys'],
  ops: ['base', 'lib', 'core', 'api', 'rpc', 'client', 'sys'],
  cmd: ['base', 'lib', 'core', 'api', 'rpc', 'client', 'ops', 'sys', 'daemon'],
  plugins: ['base', 'lib', 'api', 'sys', 'core', 'rpc'],
  daemon: ['base', 'lib', 'sys', 'core', 'rpc', 'plugins'],
};
const packages: Readonly<Record<string, readonly string[]>> = {
  '@grpc/grpc-js': ['rpc', 'plugins'],
  '@bufbuild/protobuf': ['api', 'rpc', 'plugins', 'client', 'ops', 'cmd'],
  '@opentelemetry/': ['plugins'],
  'bun:': ['sys', 'plugins'],
  re2js: ['lib', 'ops'],
  'smol-toml': ['lib', 'daemon', 'cmd'],
};
const maxLines = 400;
const badNames = /^(index|mod|utils?|helpers?|types|common)\.ts$/;

const problems: string[] = [];
for (const file of sources('src')) check(file);
for (const folder of ['test', 'scripts', 'native', 'examples']) for (const file of sources(folder)) checkShape(file);
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'layers: ok' : `layers: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|c|h)$/.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name))
    .sort();
}

function check(file: string): void {
  checkShape(file);
  const layer = file.split('/')[1] ?? '';
  const may = allowed[layer];
  if (may === undefined) return; // main.ts: the entry point joins what it likes
  const text = readFileSync(join(root, file), 'utf8');
  const isTest = /\.(test|suite|bench|fuzz)\.ts$/.test(file);
  for (const [, specifier = ''] of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    const problem = judge(file, layer, may, specifier, isTest);
    if (problem !== undefined) problems.push(`${file}: imports '${specifier}': ${problem}`);
  }
  if (!isTest && !['sys', 'plugins'].includes(layer) && /\bBun\.\w/.test(text))
    problems.push(`${file}: uses Bun: only src/sys may`);
}

function judge(
  file: string,
  layer: string,
  may: readonly string[],
  specifier: string,
  isTest: boolean,
): string | undefined {
  if (specifier.startsWith('#')) {
    const target = specifier.slice(1).split('/')[0] ?? '';
    if (target === layer) return undefined;
    if (isTest && (target === 'test' || layer === 'rpc' || layer === 'plugins' || layer === 'client')) return undefined;
    if (target === 'plugins' && layer === 'daemon' && !file.endsWith('daemon/builtins.ts'))
      return 'only builtins.ts lists plugins';
    return may.includes(target) ? undefined : `${layer} may import ${may.join(', ') || 'nothing'}`;
  }
  if (specifier.startsWith('.')) return judgeRelative(file, layer, specifier, isTest);
  for (const [name, users] of Object.entries(packages)) {
    const used = name.endsWith(':')
      ? specifier.startsWith(name)
      : specifier === name || specifier.startsWith(`${name}/`);
    if (used && !isTest && !users.includes(layer)) return `only ${users.join(', ')} may`;
  }
  return undefined;
}

function judgeRelative(file: string, layer: string, specifier: string, isTest: boolean): string | undefined {
  const target = join(file, '..', specifier);
  if (!target.startsWith(`src/${layer}/`)) return 'a relative import stays inside its layer; use #layer/…';
  if (layer !== 'plugins') return undefined;
  const [mine, theirs] = [pluginOf(file), pluginOf(target)];
  // What the plugins of a group have in common is no plugin; and a test may compare several of them.
  const common = theirs === `${mine.split('/')[0]}/shared`;
  return mine === theirs || common || (isTest && mine.split('/')[0] === theirs.split('/')[0])
    ? undefined
    : `a plugin never imports another plugin (${mine} → ${theirs}): it asks for the slot`;
}

/** What belongs together under plugins: the first folder, or the file itself. Snapshotters and services are one plugin each. */
function pluginOf(file: string): string {
  const parts = file.split('/').slice(2);
  const grouped = ['snapshots', 'services', 'servers'].includes(parts[0] ?? '');
  return parts
    .slice(0, grouped ? 2 : 1)
    .join('/')
    .replace(/(\.root)?(\.test)?\.ts$/, '');
}

function checkShape(file: string): void {
  if (file.startsWith('src/api/')) return;
  const name = file.split('/').at(-1) ?? '';
  if (badNames.test(name)) problems.push(`${file}: this name says nothing`);
  const lines = readFileSync(join(root, file), 'utf8').split('\n').length - 1;
  if (lines > maxLines) problems.push(`${file}: ${lines} lines; ${maxLines} at most`);
  if (
    /\.(test|suite)\.ts$/.test(name) &&
    /\b(test|it|describe)\.(only|skip|todo)\b/.test(readFileSync(join(root, file), 'utf8'))
  ) {
    problems.push(`${file}: a test that does not always run`);
  }
}
