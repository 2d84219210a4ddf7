import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const top = new URL('../..', import.meta.url).pathname;
const number = /CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3}|containerd \d+\.\d+\.\d+/g;

interface Row {
  readonly ids: readonly string[];
  readonly here: string;
  readonly files: readonly string[];
}

const rows: readonly Row[] = readFileSync(join(top, 'docs/reference/advisories.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| (CVE|GHSA|containerd)/.test(line))
  .map((line) => {
    const [, ids = '', , here = '', tests = ''] = line
      .split(' | ')
      .flatMap((cell, i) => (i === 0 ? ['', cell] : [cell]));
    return {
      ids: ids.match(number) ?? [],
      here,
      files: [...tests.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
    };
  });

const testNames = (file: string): readonly string[] =>
  [...readFileSync(join(top, file), 'utf8').matchAll(/^\s*test\(\s*(['"`])(.*?)\1,/gms)].map(([, , name = '']) => name);

test('every advisory with a test has one that is named after it, in the file that the table says', () => {
  expect(rows.length).toBeGreaterThan(30);
  for (const { ids, here, files } of rows) {
    if (files.length === 0)
      expect([ids, /does not apply|nothing that a caller can do/.test(here)]).toEqual([ids, true]);
    for (const file of files) {
      const names = testNames(file).join('\n');
      expect([file, ids, ids.some((id) => names.includes(id))]).toEqual([file, ids, true]);
    }
  }
});

test('every advisory that a test is named after is in the table, with that file where it is one of test/advisories', () => {
  const listed = new Map(rows.flatMap((row) => row.ids.map((id) => [id, row] as const)));
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => join(folder, name)),
  );
  for (const file of files) {
    for (const id of testNames(file).flatMap((name) => name.match(number) ?? [])) {
      expect([file, id, listed.has(id)]).toEqual([file, id, true]);
      if (file.startsWith('test/advisories/')) expect([id, listed.get(id)?.files.includes(file)]).toEqual([id, true]);
    }
  }
});

test('no advisory is listed twice', () => {
  const ids = rows.flatMap((row) => row.ids);
  expect(ids.length).toBe(new Set(ids).size);
});
