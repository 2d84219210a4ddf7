import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachLoop, fileOfLoop, releaseLoop } from './loop.ts';

const directory = mkdtempSync('/tmp/berth-loop-');
afterAll(() => rmSync(directory, { recursive: true }));

function image(name: string): string {
  const path = join(directory, name);
  writeFileSync(path, 'content');
  truncateSync(path, 1 << 20);
  return path;
}

test('a device shows a file, and is free again when nobody has it', () => {
  const file = image('a');
  using first = attachLoop(file);
  using other = attachLoop(image('b'), { readonly: true, directIo: false });
  expect(first.path).not.toBe(other.path);
  expect([fileOfLoop(first.path), fileOfLoop(other.path)]).toEqual([first.file, other.file]);
  first[Symbol.dispose]();
  expect(fileOfLoop(first.path)).not.toBe(first.file);
});

test('a device that is kept stays until it is released, by whoever names the right file', () => {
  const device = attachLoop(image('c'));
  device.keep();
  device[Symbol.dispose]();
  expect(fileOfLoop(device.path)).toBe(device.file);
  releaseLoop(device.path, 'another');
  expect(fileOfLoop(device.path)).toBe(device.file);
  releaseLoop(device.path, device.file);
  expect(fileOfLoop(device.path)).not.toBe(device.file);
  releaseLoop(device.path, device.file);
});

test('a file that is not there is an error', () => {
  expect(() => attachLoop(join(directory, 'nothing'))).toThrow(/ENOENT/);
});
