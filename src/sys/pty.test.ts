import { expect, test } from 'bun:test';
import { closeSync, constants, openSync } from 'node:fs';
import { readFifo, writeFifo } from './fifo.ts';
import { spawn } from './process.ts';
import { isTerminal, openPty, rawTerminal, setTerminalSize, terminalSize } from './pty.ts';

test('a program on the other end has a terminal of the given size, and its output ends with it', async () => {
  using pty = openPty({ columns: 101, rows: 33 });
  const other = openSync(pty.path, constants.O_RDWR | constants.O_NOCTTY);
  const child = spawn(['sh', '-c', 'test -t 0 && stty size && read line && echo "got $line"'], {
    env: { PATH: '/bin:/usr/bin' },
    stdin: other,
    stdout: other,
    stderr: other,
  });
  closeSync(other);
  await writeFifo(pty.master, Buffer.from('word\n'));
  let out = '';
  for await (const chunk of readFifo(pty.master)) out += Buffer.from(chunk).toString();
  expect(
    out
      .replaceAll('\r', '')
      .split('\n')
      .filter((line) => line !== 'word'),
  ).toEqual(['33 101', 'got word', '']);
  expect(await child.exited).toEqual({ exitCode: 0 });
});

test('raw mode is what a program sees, and disposing it puts back what was before', async () => {
  using pty = openPty();
  const other = openSync(pty.path, constants.O_RDWR | constants.O_NOCTTY);
  const settings = async () => {
    const child = spawn(['stty', '-a'], { env: { PATH: '/bin' }, stdin: other, stdout: 'pipe' });
    return (await new Response(child.stdout as ReadableStream).text()).split(/[\s;]+/);
  };
  const before = await settings();
  {
    using _raw = rawTerminal(other);
    const raw = await settings();
    expect(['-echo', '-icanon', '-isig', '-opost'].every((word) => raw.includes(word))).toBe(true);
  }
  expect(await settings()).toEqual(before);
  closeSync(other);
});

test('the size can be read and set; what is no terminal says ENOTTY', () => {
  using pty = openPty();
  setTerminalSize(pty.master, { columns: 7, rows: 9 });
  expect(terminalSize(pty.master)).toEqual({ columns: 7, rows: 9 });
  const file = openSync('/dev/null', 'r');
  expect(isTerminal(file)).toBe(false);
  expect(() => terminalSize(file)).toThrow('ENOTTY');
  expect(() => rawTerminal(file)).toThrow('ENOTTY');
  closeSync(file);
});
