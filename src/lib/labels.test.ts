import { expect, test } from 'bun:test';
import { checkLabel, checkLabels } from './labels.ts';

test('key and value may have 4096 bytes together', () => {
  checkLabel('k', 'v'.repeat(4095));
  checkLabels({ a: '', b: 'é'.repeat(2047) });
  expect(() => checkLabel('k', 'é'.repeat(2048))).toThrow('greater than maximum size');
});

test("a bigger label is refused in containerd's words, with the start of its key", () => {
  const message = 'label key and value greater than maximum size (4096 bytes), key: ';
  expect(() => checkLabel('short', 'v'.repeat(4096))).toThrow(`${message}short: invalid argument`);
  expect(() => checkLabels({ ok: '', ['x'.repeat(5000)]: '' })).toThrow(`${message}xxxxxxxxxx: invalid argument`);
});
