import { expect, test } from 'bun:test';
import { messageOf } from '#base/errors';
import { FilterFormError, nameMatcher, parseFilters } from './filters.ts';

const keys = ['label', 'label!', 'name', 'until', 'dangling'];
const complaint = (work: () => unknown): string => {
  try {
    return `none: ${String(work())}`;
  } catch (thrown) {
    return messageOf(thrown);
  }
};

test("words that are no filters, and filters that a command does not know, are refused in docker's words", () => {
  expect(() => parseFilters(['name'], keys)).toThrow(FilterFormError);
  expect(complaint(() => parseFilters(['name'], keys))).toBe(
    'invalid argument "name" for "-f, --filter" flag: bad format of filter (expected name=value)',
  );
  expect(complaint(() => parseFilters(['Foo = x'], keys))).toBe("Invalid filter 'foo': invalid argument");
});

test('several values of a key are alternatives, and keys do not care for case or space', () => {
  const filters = parseFilters([' NAME = a ', 'name=b'], keys);
  expect([
    filters.all('name'),
    filters.exact('name', 'b'),
    filters.exact('name', 'c'),
    filters.exact('until', 'c'),
  ]).toEqual([['a', 'b'], true, false, true]);
});

test('all labels must be there, with their values where these are given', () => {
  const labels = { a: '1', empty: '' };
  const match = (...words: readonly string[]) => parseFilters(words, keys).labels(labels);
  expect([
    match('label=a'),
    match('label=a=1', 'label=empty='),
    match('label=a=2'),
    match('label=a', 'label=b'),
  ]).toEqual([true, true, false, false]);
  expect([match('label!=b'), match('label!=a'), match('label!=a=2'), match('label!=a', 'label!=b')]).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test('yes and no are read as Go reads them', () => {
  const dangling = (word: string) => parseFilters([`dangling=${word}`], keys).yesNo('dangling');
  expect([dangling('true'), dangling('0'), parseFilters([], keys).yesNo('dangling')]).toEqual([true, false, undefined]);
  expect(complaint(() => dangling('maybe'))).toBe("invalid filter 'dangling=maybe': invalid argument");
});

test('a moment is given once', () => {
  const present = { seconds: 1_000_000, nanos: 5 };
  expect(parseFilters(['until=10m'], keys).moment('until', present)).toEqual({ seconds: 999_400, nanos: 5 });
  expect(complaint(() => parseFilters(['until=1', 'until=2'], keys).moment('until'))).toContain('more than one until');
});

test('names match as expressions, anywhere unless anchored, and what is no expression is only itself', async () => {
  const matches = async (pattern: string, name: string) => (await nameMatcher(pattern))(name);
  expect(await matches('eb', '/web')).toBe(true);
  expect(await matches('^/web$', '/web')).toBe(true);
  expect(await matches('^/we$', '/web')).toBe(false);
  expect(await matches('w.b|x', 'web')).toBe(true);
  expect([await matches('[', 'web'), await matches('[', '[')]).toEqual([false, true]);
});
