import { expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const top = new URL('../..', import.meta.url).pathname;
const pages = [
  ...readdirSync(join(top, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
  'README.md',
  'CONTRIBUTING.md',
  'src/rpc/README.md',
].filter((name) => name.endsWith('.md') && existsSync(join(top, name)));

/** Text between backticks, outside of fenced blocks. */
function spans(line: string): string[] {
  return [...line.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

const roots = /^(?:\.ci|api|docs|examples|native|scripts|src|test)\/[\w./*{},-]+$/;
const files = /^(?:README|CONTRIBUTING|LICENSE|package|tsconfig|biome)(?:\.\w+)?$/;
/** What only exists after a build, or is the example's own. */
const exempt = /^(?:src\/plugins\/snapshots\/dir(?:\.root\.test)?\.ts)$/;

function paths(text: string): string[] {
  const path = text.replace(/[/.,:]+$/, '');
  if ((!roots.test(path) && !files.test(path)) || exempt.test(path)) return [];
  const braces = /^(.*)\{([^}]+)\}(.*)$/.exec(path);
  return braces === null ? [path] : (braces[2] ?? '').split(',').map((one) => `${braces[1]}${one}${braces[3]}`);
}

function exists(path: string): boolean {
  if (!path.includes('*')) return existsSync(join(top, path));
  return [...new Bun.Glob(path).scanSync({ cwd: top, onlyFiles: false })].length > 0;
}

const proseLines = (page: string): string[] =>
  readFileSync(join(top, page), 'utf8')
    .replace(/^```[\s\S]*?^```$/gm, '')
    .split('\n');

test('every path that the documents name is there', () => {
  const missing = pages.flatMap((page) =>
    proseLines(page)
      .flatMap(spans)
      .flatMap(paths)
      .filter((path) => !exists(path))
      .map((path) => `${page}: ${path}`),
  );
  expect(missing).toEqual([]);
});

test('links between documents lead somewhere', () => {
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(top, page), 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => join(page, '..', target))
      .filter((path) => !existsSync(join(top, path)))
      .map((path) => `${page}: ${path}`),
  );
  expect(broken).toEqual([]);
});

test('every function that the tour names stands in the file before it', () => {
  const wrong: string[] = [];
  let checked = 0;
  // A file's names may go on in the next line of its paragraph or list item.
  const blocks = proseLines('docs/tour.md')
    .join('\n')
    .split(/\n(?=\s*(?:\d+\.|-) |#|\n)/);
  for (const block of blocks) {
    let file = '';
    for (const span of spans(block.replaceAll('\n', ' '))) {
      if (roots.test(span)) file = span;
      const name = /^#?(\w+)\(\)$/.exec(span)?.[1];
      if (name === undefined || file === '') continue;
      checked++;
      const text = readFileSync(join(top, file), 'utf8');
      if (!new RegExp(`\\b${name}[(<]|\\b(?:const|readonly) ${name}\\b|^\\s+${name}: `, 'm').test(text))
        wrong.push(`${file}: ${name}()`);
    }
  }
  expect(wrong).toEqual([]);
  expect(checked).toBeGreaterThan(80);
});

test('no document leads out of the repository', () => {
  const out = pages.filter((page) => readFileSync(join(top, page), 'utf8').includes('../shared'));
  expect(out).toEqual([]);
});

test('the table of who may import whom is the one that is checked', () => {
  const [, table = ''] =
    /const allowed[^{]*\{([^}]*)\}/.exec(readFileSync(join(top, 'scripts/layers.ts'), 'utf8')) ?? [];
  const checked = new Map(
    [...table.matchAll(/^ {2}(\w+): \[(.*)\],$/gm)].map(([, layer = '', list = '']) => [
      layer,
      [...list.matchAll(/'(\w+)'/g)].map(([, one = '']) => one),
    ]),
  );
  const told = [...readFileSync(join(top, 'CONTRIBUTING.md'), 'utf8').matchAll(/^\| `src\/(\w+)` \| ([^:|]+)/gm)]
    .filter(([, , list = '']) => list.trim() === 'nothing' || /^\w+(, \w+)*$/.test(list.trim()))
    .map(([, layer = '', list = '']) => [layer, list.trim() === 'nothing' ? [] : list.trim().split(', ')] as const);
  expect(told.length).toBe(checked.size);
  for (const [layer, list] of told) expect([layer, list]).toEqual([layer, checked.get(layer) ?? ['no such layer']]);
});
