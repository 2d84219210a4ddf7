import { expect, test } from 'bun:test';
import { programDirectory } from './program-directory.ts';

test('an installed program has its like in bin', () => {
  expect(programDirectory('/usr/local/lib/berth/ctr')).toBe('/usr/local/bin');
});

test('any other has them beside itself', () => {
  expect(programDirectory('/opt/berth/ctr')).toBe('/opt/berth');
});
