import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openAttachment } from '#client/attach';
import { attachStdin, formatLogUri } from '#lib/log-uri';
import { attachable, created, follow, logged, rig, start, textOf } from './log-rig.ts';
import { type ContainerOptions, descriptors, tasks } from './rig.ts';

const { signal } = new AbortController();
const sum = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** Connected, and silent; reads nothing. */
async function mute(path: string): Promise<Socket> {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => socket.once('connect', () => resolve()).once('error', reject));
  socket.on('error', () => undefined); // the shim may hang up on us
  socket.pause();
  return socket;
}

test('100 MB through a process and back, and into the log', async () => {
  await using r = await rig();
  const { path, attach, streams } = attachable(r, 'c1', { 'stdin-once': 'true' });
  const shim = await created(r, 'c1', { args: ['cat'], ...streams });
  expect(statSync(attach).mode & 0o777).toBe(0o600);
  await using attachment = await openAttachment(attach, { signal });
  await start(shim);
  const [given, got] = [createHash('sha256'), createHash('sha256')];
  const reading = (async () => {
    let all = 0;
    for await (const { stream, bytes } of attachment.output) {
      expect(stream).toBe('stdout');
      got.update(bytes);
      all += bytes.length;
    }
    return all;
  })();
  const block = Buffer.alloc(1 << 20, `${'0123456789abcdef'.repeat(64)}\n`);
  for (let i = 0; i < 100; i++) {
    block[i * 1000] = 0x41 + (i % 26);
    given.update(block);
    await attachment.write(block);
  }
  await attachment.closeInput();
  expect(await shim.exitOf()).toBe(0);
  expect(await reading).toBe(100 << 20);
  const digest = given.digest('hex');
  expect(got.digest('hex')).toBe(digest);
  expect(sum(textOf(path))).toBe(digest);
  await shim.end();
  expect(existsSync(attach)).toBe(false);
}, 120_000);

test('who attaches before the start misses nothing, of either output; who comes later has it from then on', async () => {
  await using r = await rig();
  const { path, attach, streams } = attachable(r, 'c1');
  const shim = await created(r, 'c1', { args: ['sh', '-c', 'echo one; echo two >&2; cat'], ...streams });
  const first = await follow(attach, { input: false });
  const second = await follow(attach);
  await start(shim);
  await r.eventually('two', () => first.text('stderr') === 'two\n' && second.text() === 'one\n');
  const late = await follow(attach);
  await late.attachment.write(Buffer.from('three\n'));
  await r.eventually('three', () => [first, second, late].every(({ text }) => text().endsWith('three\n')));
  expect(late.text()).toBe('three\n');
  await shim.call(tasks.closeIO, { id: 'c1', stdin: true });
  expect(await shim.exitOf()).toBe(0);
  await Promise.all([first.ended, second.ended, late.ended]);
  expect([first.text(), first.text('stderr')]).toEqual(['one\nthree\n', 'two\n']);
  expect(textOf(path).split('\n').sort()).toEqual(['', 'one', 'three', 'two']);
  // Its output has ended, so that nobody listens any more, although it is not deleted.
  await expect(openAttachment(attach, { signal })).rejects.toThrow('not found');
  await shim.end();
}, 120_000);

test('input stays open when who gave it goes away or ends it, unless it is to be read once', async () => {
  await using r = await rig();
  const open = attachable(r, 'open');
  const shim = await created(r, 'open', { args: ['cat'], ...open.streams });
  await start(shim);
  for (const word of ['a', 'b']) {
    const one = await follow(open.attach);
    await one.attachment.write(Buffer.from(`${word}\n`));
    await one.attachment.closeInput();
    await r.eventually(word, () => one.text() === `${word}\n`);
    await one.attachment[Symbol.asyncDispose]();
  }
  expect((await shim.call(tasks.state, { id: 'open' })).status).toBe(2);
  await shim.end();
  for (const leave of ['closeInput', 'dispose', 'nothing said']) {
    const id = leave.replace(' ', '-');
    const once = attachable(r, id, { 'stdin-once': 'true' });
    const other = await created(r, id, { args: ['sh', '-c', 'cat; echo end'], ...once.streams });
    await start(other);
    const looker = await follow(once.attach, { input: false });
    const watcher = await follow(once.attach, { input: false });
    await looker.attachment[Symbol.asyncDispose](); // it gave no input
    const giver = await follow(once.attach);
    if (leave !== 'nothing said') await giver.attachment.write(Buffer.from('x\n'));
    if (leave === 'closeInput') await giver.attachment.closeInput();
    else await giver.attachment[Symbol.asyncDispose]();
    expect(await other.exitOf()).toBe(0);
    await watcher.ended;
    expect(watcher.text()).toBe(leave === 'nothing said' ? 'end\n' : 'x\nend\n');
    await other.end();
  }
}, 120_000);

test('a terminal is one stream, and takes input', async () => {
  await using r = await rig();
  const { path, attach, streams } = attachable(r, 'c1', { 'stdin-once': 'true' }, true);
  const args = ['sh', '-c', 'read x; stty size; seq 30000; echo last $x'];
  const shim = await created(r, 'c1', { args, ...streams });
  const client = await follow(attach);
  await start(shim);
  await shim.call(tasks.resizePty, { id: 'c1', width: 77, height: 33 });
  await client.attachment.write(Buffer.from('word\n'));
  expect(await shim.exitOf()).toBe(0);
  await client.ended;
  expect(client.text()).toStartWith('word\r\n33 77\r\n1\r\n2\r\n');
  expect(client.text()).toEndWith('30000\r\nlast word\r\n');
  expect(textOf(path)).toBe(client.text());
  await shim.end();
}, 120_000);

test('who does not read slows the process, and neither its end, nor its log, nor its deletion waits for them', async () => {
  await using r = await rig();
  const { path, attach, streams } = attachable(r, 'c1');
  const shim = await created(r, 'c1', { args: ['yes'], ...streams });
  const stuck = await mute(attach);
  const reader = await follow(attach);
  await start(shim);
  let size = -1;
  await r.eventually('it is held up', () => {
    const before = size;
    size = existsSync(path) ? statSync(path).size : 0;
    return size > 0 && size === before && statSync(path).size === size;
  });
  await wait(300);
  const held = reader.length();
  expect(held).toBeLessThan(4 << 20);
  stuck.resume(); // a while …
  await r.eventually('it goes on', () => reader.length() > held + (4 << 20));
  stuck.pause(); // … and never again
  await wait(300);
  const begin = Date.now();
  await shim.call(tasks.kill, { id: 'c1', signal: 9 });
  expect(await shim.exitOf()).toBe(137);
  const logged = sum(textOf(path));
  await reader.ended;
  expect(sum(reader.text())).toBe(logged);
  await shim.call(tasks.delete, { id: 'c1' });
  expect(Date.now() - begin).toBeLessThan(10_000);
  expect(existsSync(attach)).toBe(false);
  await shim.call(tasks.shutdown, { id: 'c1' });
  // What it has not read yet is still there for it.
  let rest = 0;
  const gone = new Promise<void>((resolve) => stuck.once('close', () => resolve()));
  stuck.on('data', (chunk: Buffer) => (rest += chunk.length)).resume();
  await gone;
  expect(rest).toBeGreaterThan(60_000);
}, 120_000);

test('who begins to read after the end has it all', async () => {
  await using r = await rig();
  const { path, attach, streams } = attachable(r, 'c1');
  const shim = await created(r, 'c1', { args: ['seq', '190000'], ...streams });
  const late = await openAttachment(attach, { signal });
  await start(shim);
  expect(await shim.exitOf()).toBe(0);
  await shim.end();
  await wait(100);
  const pieces: Uint8Array[] = [];
  for await (const { bytes } of late.output) pieces.push(bytes);
  expect(Buffer.concat(pieces).length).toBe(1_218_895);
  expect(Buffer.concat(pieces).toString()).toBe(textOf(path));
  await late[Symbol.asyncDispose]();
}, 120_000);

test('hostile clients are dropped, and the next is served', async () => {
  await using r = await rig();
  const { attach, streams } = attachable(r, 'c1');
  const shim = await created(r, 'c1', { args: ['cat'], ...streams });
  await start(shim);
  const pid = await shim.pid();
  const before = descriptors(pid);
  const garbage = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(100_000, 0xff),
    Buffer.from([1, 0, 0, 0, 1]),
    Buffer.from([2, 0, 0, 0, 0]),
    Buffer.from([0, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0, 0, 0]),
  ];
  for (const bytes of garbage) {
    const socket = await mute(attach);
    socket.write(bytes);
    await wait(20);
    socket.destroy();
  }
  const crowd = await Promise.all(Array.from({ length: 200 }, () => mute(attach)));
  const bytewise = await follow(attach);
  const raw = await mute(attach);
  for (const byte of Buffer.from([0, 0, 0, 0, 3, 97, 98, 10])) {
    raw.write(Buffer.from([byte]));
    await wait(1);
  }
  await r.eventually('ab', () => bytewise.text() === 'ab\n');
  // What is more than may come in wait to be let in.
  const many = await Promise.all(Array.from({ length: 100 }, () => mute(attach)));
  for (const socket of [...crowd, ...many, raw]) socket.destroy();
  await bytewise.attachment.write(Buffer.from('still here\n'));
  await r.eventually('still here', () => bytewise.text() === 'ab\nstill here\n');
  await bytewise.attachment[Symbol.asyncDispose]();
  await r.eventually('nobody is left', () => descriptors(pid) <= before);
  await shim.end();
}, 120_000);

test('what a client sent before it went away reaches the process', async () => {
  await using r = await rig();
  const { path, attach, streams } = attachable(r, 'c1', { 'stdin-once': 'true' });
  // It reads late, so that all waits in pipe and sockets.
  const shim = await created(r, 'c1', { args: ['sh', '-c', 'usleep 300000; wc -c'], ...streams });
  const client = await follow(attach);
  await client.attachment.write(Buffer.alloc(200_000, 'x'));
  await wait(100);
  await client.attachment[Symbol.asyncDispose]();
  await start(shim);
  expect(await shim.exitOf()).toBe(0);
  expect(textOf(path).trim()).toBe('200000');
  await shim.end();
}, 120_000);

test('a shim that was killed leaves a socket, which `delete` removes', async () => {
  await using r = await rig();
  const { path, attach, streams } = attachable(r, 'c1');
  const shim = await created(r, 'c1', { args: ['sh', '-c', 'echo said; cat'], ...streams });
  const client = await follow(attach);
  await start(shim);
  await r.eventually('said', () => client.text() === 'said\n');
  const pid = await shim.pid();
  process.kill(pid, 'SIGKILL');
  await client.ended;
  await r.eventually('it has gone', () => !existsSync(`/proc/${pid}/exe`));
  await expect(client.attachment.write(Buffer.from('x'))).rejects.toThrow('unavailable');
  expect(textOf(path)).toBe('said\n');
  expect(existsSync(attach)).toBe(true);
  await expect(openAttachment(attach, { signal })).rejects.toThrow('unavailable');
  r.run('c1', 'delete');
  expect(existsSync(attach)).toBe(false);
  expect(readFileSync(path, 'utf8')).toEndWith('\n');
}, 120_000);

test('a socket may have a long path, and takes the place of one that a dead shim left', async () => {
  await using r = await rig();
  const directory = join(r.directory, 'x'.repeat(80), 'y'.repeat(80));
  mkdirSync(directory, { recursive: true });
  const attach = join(directory, 'attach.sock');
  const uri = formatLogUri({ driver: 'none', attach, options: {} });
  const options = { args: ['cat'], stdin: attachStdin(attach), stdout: uri, stderr: uri };
  const dead = await (await created(r, 'c1', options)).pid();
  process.kill(dead, 'SIGKILL');
  await r.eventually('it has gone', () => !existsSync(`/proc/${dead}/exe`));
  await expect(openAttachment(join(directory, 'no.sock'), { signal })).rejects.toThrow('not found');
  const shim = await created(r, 'c2', options);
  const client = await follow(attach);
  await start(shim);
  await client.attachment.write(Buffer.from('hello\n'));
  await r.eventually('hello', () => client.text() === 'hello\n');
  const abort = new AbortController();
  const other = await openAttachment(attach, { signal: abort.signal });
  abort.abort();
  await expect(Array.fromAsync(other.output)).rejects.toThrow('canceled');
  await shim.end();
  await client.ended;
}, 120_000);

test('streams that do not belong together are refused', async () => {
  await using r = await rig();
  const { attach, streams } = attachable(r, 'c1');
  const log = logged(r, 'c1').streams;
  const shim = await r.start('c1');
  const refused = async (options: ContainerOptions, why: string) =>
    await expect(shim.create(options)).rejects.toThrow(why);
  await refused({ ...log, stdin: attachStdin(attach) }, 'not where the output is attached');
  await refused({ stdin: attachStdin(attach) }, 'output is not attached');
  await refused({ stdin: attachStdin(attach), stdout: `file://${r.directory}/x` }, 'output is not attached');
  await refused({ ...streams, stderr: `file://${r.directory}/x` }, 'another log than that of stdout');
  await refused({ stdout: `${streams.stdout}&stdin-once=maybe` }, 'neither true nor false');
  await refused(
    { stdout: formatLogUri({ driver: 'none', attach: '/nowhere/x.sock', options: {} }) },
    '/nowhere/x.sock',
  );
  expect(existsSync(attach)).toBe(false);
  await shim.create({ ...streams, args: ['cat'] });
  const exec = shim.exec('e1', ['true'], { ...streams });
  await expect(exec).rejects.toThrow('not for this process');
  await shim.exec('e2', ['echo', 'of an exec'], logged(r, 'e2').streams);
  await shim.exitOf('e2');
  expect(textOf(logged(r, 'e2').path)).toBe('of an exec\n');
  await shim.end();
}, 120_000);
