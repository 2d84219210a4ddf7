import { expect, test } from 'bun:test';
import { onlyThose } from './top.ts';

test('lines of other processes are left out, threads go with their process', () => {
  const table =
    '  PID   LWP CMD\n    1     1 init\n    7     - sleep  10 x\n    -     8 \n    9     - other\n    -    10\n';
  expect(onlyThose(table, new Set(['7']))).toEqual({
    titles: ['PID', 'LWP', 'CMD'],
    rows: [
      ['7', '-', 'sleep 10 x'],
      ['-', '8', ''],
    ],
  });
});

test('without pids nobody knows whose lines they are', () => {
  expect(() => onlyThose('CMD\nx\n', new Set())).toThrow("Couldn't find PID field in ps output");
});
