import { afterEach, beforeEach, expect, test } from 'bun:test';
import { closeSync, existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openFifo, readFifo } from '#sys/fifo';
import { existingIo, fifoIo, nullIo, uriIo } from './task-io.ts';

let fifoDir: string;
beforeEach(() => {
  fifoDir = mkdtempSync(join(tmpdir(), 'berth-io-'));
});
afterEach(() => rmSync(fifoDir, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield bytes(text);
}
function collector() {
  const seen = { text: '' };
  const sink = async (chunk: Uint8Array) => {
    seen.text += Buffer.from(chunk).toString();
  };
  return { seen, sink };
}

test('the fifos are private, named after the process, and gone when disposed', async () => {
  const { sink } = collector();
  {
    await using io = await fifoIo('p1', { stdin: once(''), stdout: sink, stderr: sink }, { terminal: false, fifoDir });
    const directory = join(fifoDir, readdirSync(fifoDir)[0] ?? '');
    expect(readdirSync(directory).toSorted()).toEqual(['p1-stderr', 'p1-stdin', 'p1-stdout']);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const path of [io.stdio.stdin, io.stdio.stdout, io.stdio.stderr]) {
      expect(lstatSync(path).isFIFO()).toBe(true);
      expect(lstatSync(path).mode & 0o077).toBe(0);
    }
  }
  expect(readdirSync(fifoDir)).toEqual([]);
});

test('where one output is wanted the other is there too; where nothing is, nothing is', async () => {
  const { sink } = collector();
  await using one = await fifoIo('p', { stdout: sink }, { terminal: false, fifoDir });
  expect([one.stdio.stdin, existsSync(one.stdio.stderr)]).toEqual(['', true]);
  await using input = await fifoIo('p', { stdin: once('') }, { terminal: false, fifoDir });
  expect([existsSync(input.stdio.stdout), existsSync(input.stdio.stderr)]).toEqual([true, true]);
  await using tty = await fifoIo('p', { stdin: once(''), stdout: sink, stderr: sink }, { terminal: true, fifoDir });
  expect([tty.stdio.stderr, tty.stdio.terminal]).toEqual(['', true]);
  await using none = await fifoIo('p', {}, { terminal: false, fifoDir });
  expect(none.stdio).toEqual({ stdin: '', stdout: '', stderr: '', terminal: false });
});

test('a process that outlives its client keeps its fifos, and another client finds the rest of its words there', async () => {
  const first = collector();
  const io = await fifoIo('p', { stdout: first.sink }, { terminal: false, fifoDir, keep: true });
  // As a shim holds it: both ways, so that it lives on without a reader.
  const shim = openFifo(io.stdio.stdout, 'hold');
  writeSync(shim, 'to the first');
  for (let waited = 0; waited < 60_000 && first.seen.text === ''; waited += 5) await wait(5);
  await io[Symbol.asyncDispose]();
  expect(first.seen.text).toBe('to the first');
  writeSync(shim, 'said to nobody, ');
  const second = collector();
  await using attached = existingIo({ ...io.stdio, stderr: '' }, { stdout: second.sink });
  writeSync(shim, 'to the second');
  closeSync(shim);
  await attached.drained;
  expect(second.seen.text).toBe('said to nobody, to the second');
});

test('what is written before the shim opens its end waits for it, and the end comes after', async () => {
  await using io = await fifoIo('p', { stdin: once('the input') }, { terminal: false, fifoDir });
  const closed = Promise.withResolvers<void>();
  io.startInput(async () => closed.resolve());
  const shim = openFifo(io.stdio.stdin, 'read');
  let text = '';
  for await (const chunk of readFifo(shim)) text += Buffer.from(chunk).toString();
  closeSync(shim);
  await closed.promise;
  expect(text).toBe('the input');
});

test('input that cannot be read ends, so that nobody waits for it', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield bytes('half');
    throw new Error('EIO');
  }
  await using io = await fifoIo('p', { stdin: broken() }, { terminal: false, fifoDir });
  const closed = Promise.withResolvers<void>();
  io.startInput(async () => closed.resolve());
  await closed.promise;
});

test('a process that reads nothing does not keep its client', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(65_536);
  }
  const io = await fifoIo('p', { stdin: endless() }, { terminal: false, fifoDir });
  let closed = false;
  io.startInput(async () => {
    closed = true;
  });
  await wait(50);
  await io[Symbol.asyncDispose]();
  expect([closed, readdirSync(fifoDir)]).toEqual([false, []]);
});

test('a reader that fails is told of by drained, and disposing still tidies up', async () => {
  const failing = async () => {
    throw new Error('EPIPE: nobody reads');
  };
  {
    await using io = await fifoIo('p', { stdout: failing }, { terminal: false, fifoDir });
    const outs = [io.stdio.stdout, io.stdio.stderr].map((path) => openFifo(path, 'hold'));
    writeSync(outs[0] ?? -1, 'x');
    for (const fd of outs) closeSync(fd);
    expect(await io.drained.catch((error: Error) => error.message)).toBe('EPIPE: nobody reads');
  }
  expect(readdirSync(fifoDir)).toEqual([]);
});

test('streams that the shim handles itself need no fifo', async () => {
  expect(uriIo('file:///tmp/x').stdio).toEqual({
    stdin: '',
    stdout: 'file:///tmp/x',
    stderr: 'file:///tmp/x',
    terminal: false,
  });
  expect(nullIo().stdio).toEqual({ stdin: '', stdout: '', stderr: '', terminal: false });
});
