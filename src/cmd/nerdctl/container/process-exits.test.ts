import { expect, test } from 'bun:test';
import { startExitCode } from './process-exits.ts';

test.each([
  [
    'runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown',
    127,
  ],
  ['unable to start container process: exec: "/nosuch": stat /nosuch: no such file or directory: unknown', 127],
  ['unable to start container process: exec: "/etc/passwd": permission denied: unknown', 126],
  ['unable to start container process: exec: "/etc": is a directory: unknown', 126],
  ['unable to start container process: error mounting "/x": no such file or directory', 125],
  ['image "x": not found', 125],
])('%s: %p', (message, code) => {
  expect(startExitCode(message)).toBe(code);
});
