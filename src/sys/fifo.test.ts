import { afterEach, beforeEach, expect, test } from 'bun:test';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { classOf } from '#base/errors';
import { ensureFifo, makeFifo, openFifo, openFifoForWriting, readFifo, writeFifo } from './fifo.ts';
import { run, spawn } from './process.ts';

let dir = '';
let path = '';
beforeEach(() => {
  dir = mkdtempSync('/dev/shm/berth-fifo-');
  path = join(dir, 'fifo');
  makeFifo(path);
});
afterEach(() => rmSync(dir, { recursive: true }));

async function collect(fd: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readFifo(fd)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('making it twice is an error, ensuring it twice is not', () => {
  expect(() => makeFifo(path)).toThrow('EEXIST');
  ensureFifo(path);
});

test('reading waits for the first writer and ends with the last', async () => {
  const fd = openFifo(path, 'read');
  const reading = collect(fd);
  await new Promise((done) => setTimeout(done, 20));
  await run(['sh', '-c', `(echo one; sleep 0.05; echo two) > ${path}`], { env: { PATH: '/bin' } });
  expect(await reading).toBe('one\ntwo\n');
  closeSync(fd);
});

test('a writer that comes and goes without a word ends the reading', async () => {
  const fd = openFifo(path, 'read');
  const reading = collect(fd);
  await run(['sh', '-c', `: > ${path}`], { env: { PATH: '/bin' } });
  expect(await reading).toBe('');
  closeSync(fd);
});

test('writing waits for a slow reader and keeps every byte', async () => {
  const child = spawn(['sh', '-c', `sleep 0.1; sha256sum < ${path}`], {
    env: { PATH: '/bin:/usr/bin' },
    stdout: 'pipe',
  });
  const fd = await openFifoForWriting(path, AbortSignal.timeout(60_000));
  const data = Buffer.alloc(5_000_000, 'abcdefg');
  await writeFifo(fd, data);
  closeSync(fd);
  const out = await new Response(child.stdout as ReadableStream).text();
  expect(out.split(' ')[0]).toBe(new Bun.CryptoHasher('sha256').update(data).digest('hex'));
});

test('nobody to read is ENXIO at once, and EPIPE later', async () => {
  expect(() => openFifo(path, 'write')).toThrow('ENXIO');
  const reader = openFifo(path, 'read');
  const writer = openFifo(path, 'write');
  closeSync(reader);
  await expect(writeFifo(writer, Buffer.from('x'))).rejects.toMatchObject({ code: 'EPIPE' });
  closeSync(writer);
  await expect(openFifoForWriting(path, AbortSignal.timeout(30))).rejects.toMatchObject({ class: 'deadline_exceeded' });
});

test('a held fifo never ends, until the reader is cancelled', async () => {
  const fd = openFifo(path, 'hold');
  const stop = new AbortController();
  let seen = '';
  const reading = (async () => {
    for await (const chunk of readFifo(fd, { signal: stop.signal })) {
      seen += Buffer.from(chunk).toString();
      if (seen.length === 2) stop.abort();
    }
  })();
  // Not expect(…).rejects: that runs the event loop until the promise settles, and nobody would write.
  const outcome = reading.then(() => 'none', classOf);
  for (const word of ['a', 'b']) {
    const writer = openSync(path, 'w');
    writeSync(writer, word);
    closeSync(writer);
    await new Promise((done) => setTimeout(done, 20));
  }
  expect(await outcome).toBe('canceled');
  expect(seen).toBe('ab');
  closeSync(fd);
});
