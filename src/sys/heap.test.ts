import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { collectGarbage, forgetCode, releaseProgram } from './heap.ts';

function filePagesKb(): number {
  const line = /^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line![1]);
}

test("the program's own code can be taken out of memory while it runs", () => {
  const before = filePagesKb();
  releaseProgram();
  expect(filePagesKb()).toBeLessThan(before * 0.8);
  expect([3, 1, 2].sort().join()).toBe('1,2,3');
});

test('garbage and compiled code can go at any time', () => {
  const kept = new Map([['a', { b: 1 }]]);
  collectGarbage();
  forgetCode();
  expect(kept.get('a')).toEqual({ b: 1 });
});
