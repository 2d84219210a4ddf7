import { expect, test } from 'bun:test';
import { checkIdentifier, isIdentifier } from './identifier.ts';

test('names of letters and digits with single marks between them pass', () => {
  for (const name of ['a', 'A1', 'a_b', 'a.b-c_d', '0', 'x'.repeat(76)]) {
    checkIdentifier(name);
    expect(isIdentifier(name)).toBe(true);
  }
});

test("other names are refused in containerd's words", () => {
  const pattern = 'must match ^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$: invalid argument';
  for (const name of ['a-', '-a', 'a..b', 'a__b', 'a/b', '..', '.', 'é', 'a b', 'a"b', 'a\n', 'a\0b']) {
    expect(() => checkIdentifier(name)).toThrow(`identifier ${JSON.stringify(name)} ${pattern}`);
    expect(isIdentifier(name)).toBe(false);
  }
  const long = 'x'.repeat(77);
  expect(() => checkIdentifier(long)).toThrow(
    `identifier "${long}" greater than maximum length (76 characters): invalid argument`,
  );
  expect(() => checkIdentifier('')).toThrow('identifier must not be empty: invalid argument');
});

test('a name that would take a backtracking matcher for ever takes no time', () => {
  const start = performance.now();
  expect(isIdentifier(`${'a'.repeat(75)}!`)).toBe(false);
  expect(() => checkIdentifier(`${'a'.repeat(10_000_000)}!`)).toThrow('maximum length');
  expect(performance.now() - start).toBeLessThan(10_000);
});
