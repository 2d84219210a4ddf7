import { expect, test } from 'bun:test';
import { DetachScanner, parseDetachKeys } from './detach-keys.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

test('keys are characters and control keys', () => {
  expect([...parseDetachKeys('ctrl-p,ctrl-q')]).toEqual([16, 17]);
  expect([...parseDetachKeys('a,ctrl-@,ctrl-[,ctrl-_,ctrl-Z')]).toEqual([97, 0, 27, 31, 26]);
  expect(parseDetachKeys('').length).toBe(0);
  for (const bad of ['ctrl-', 'ctrl-1', 'ab', 'a,', 'ctrl-p;ctrl-q', 'é'])
    expect(() => parseDetachKeys(bad)).toThrow(`Invalid detach keys (${bad}) provided`);
});

test('what is typed passes, the keys do not, also in pieces', () => {
  const scanner = new DetachScanner(parseDetachKeys('ctrl-p,ctrl-q'));
  const seen: string[] = [];
  let detached = false;
  for (const piece of ['ls\x10', 'x\x10', '\x10', '\x10\x11ignored']) {
    const found = scanner.push(bytes(piece));
    seen.push(Buffer.from(found.bytes).toString('latin1'));
    detached ||= found.detached;
  }
  expect(seen).toEqual(['ls', '\x10x', '\x10', '\x10']);
  expect(detached).toBe(true);
});

test('a beginning that stays one is given at the end', () => {
  const scanner = new DetachScanner(parseDetachKeys('a,b,c'));
  expect(Buffer.from(scanner.push(bytes('xab')).bytes).toString()).toBe('x');
  expect(Buffer.from(scanner.rest()).toString()).toBe('ab');
});

test('without keys everything passes as it is', () => {
  const chunk = bytes('\x10\x11');
  expect(new DetachScanner(parseDetachKeys('')).push(chunk)).toEqual({ bytes: chunk, detached: false });
});
