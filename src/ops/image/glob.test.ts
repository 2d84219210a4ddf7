import { expect, test } from 'bun:test';
import { globMatcher } from './glob.ts';

test.each([
  ['busybox', ['busybox', 'busybox:latest'], true],
  ['busy*', ['busybox', 'busybox:latest'], true],
  ['busybox:l?test', ['busybox', 'busybox:latest'], true],
  ['box', ['busybox'], false],
  ['*', ['a/b'], false],
  ['*/*', ['a/b'], true],
  ['[a-c]x', ['bx'], true],
  ['[^a-c]x', ['bx'], false],
  ['a.b', ['axb'], false],
  ['\\*', ['*'], true],
  ['[', ['x'], false],
  ['[z-a]', ['x'], false],
] as const)('%p against %p: %p', (pattern, names, wanted) => {
  expect(globMatcher(pattern)(names)).toBe(wanted);
});
