import { expect, test } from 'bun:test';
import { chmodSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { drain, openWriter, Rig, tasks } from './rig.ts';

async function rig(): Promise<Rig> {
  const made = new Rig();
  await made.listen();
  return made;
}

test('stdout and stderr go to their fifos, which end with the process', async () => {
  await using r = await rig();
  const stdout = r.fifo('out');
  const stderr = r.fifo('err');
  const out = drain(stdout);
  const err = drain(stderr);
  const options = {
    args: ['sh', '-c', 'echo one; echo two >&2; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2'],
    stdout,
    stderr,
  };
  const shim = await r.launch('c1', options);
  expect((await out).length).toBe(3_000_004);
  expect((await err).length).toBe(3_000_004);
  await shim.end();
}, 120_000);

test("the process writes to the client's fifo itself", async () => {
  await using r = await rig();
  const stdout = r.fifo('out');
  const out = drain(stdout);
  const shim = await r.launch('c1', { args: ['readlink', '/proc/self/fd/1'], stdout });
  // Outside of the container's root the name is what the kernel knows it by.
  expect(await out).toContain('out');
  await shim.end();
}, 120_000);

test('output waits for a client that went away and comes back', async () => {
  await using r = await rig();
  const stdout = r.fifo('out');
  const shim = await r.launch('c1', { args: ['sh', '-c', 'echo early; sleep 0.2; seq 5'], stdout });
  await wait(100); // nobody reads: no SIGPIPE, nothing lost
  expect(await drain(stdout)).toBe('early\n1\n2\n3\n4\n5\n');
  expect(await shim.exitOf()).toBe(0);
  await shim.end();
}, 120_000);

test('a client that opens its fifo after the end still gets what was written', async () => {
  await using r = await rig();
  const stdout = r.fifo('out');
  const shim = await r.launch('c1', { args: ['echo', 'late'], stdout });
  await shim.exitOf();
  const out = drain(stdout);
  await wait(100); // it waits in open(), for no writer is left
  await shim.call(tasks.delete, { id: 'c1' });
  expect(await out).toBe('late\n');
  await shim.call(tasks.shutdown, { id: 'c1' });
}, 120_000);

test('CloseIO ends stdin although somebody still has the fifo open for writing', async () => {
  await using r = await rig();
  const [stdin, stdout] = [r.fifo('in'), r.fifo('out')];
  using writer = openWriter(stdin);
  const out = drain(stdout);
  const shim = await r.launch('c1', { args: ['wc', '-c'], stdin, stdout });
  writeSync(writer.fd, 'x'.repeat(5000));
  expect((await shim.call(tasks.state, { id: 'c1' })).status).toBe(2);
  await shim.call(tasks.closeIO, { id: 'c1', stdin: true });
  expect((await out).trim()).toBe('5000');
  expect(await shim.exitOf()).toBe(0);
  await shim.end();
}, 120_000);

test('stdin stays open when its writer goes away without CloseIO', async () => {
  await using r = await rig();
  const stdin = r.fifo('in');
  const shim = await r.launch('c1', { args: ['cat'], stdin });
  {
    using writer = openWriter(stdin);
    writeSync(writer.fd, 'x');
  }
  await wait(200);
  expect((await shim.call(tasks.state, { id: 'c1' })).status).toBe(2);
  await shim.end();
}, 120_000);

test('a terminal is copied to the last byte, has the size it is given and takes input', async () => {
  await using r = await rig();
  const [stdin, stdout] = [r.fifo('in'), r.fifo('out')];
  using writer = openWriter(stdin);
  const out = drain(stdout);
  const shim = await r.launch('c1', {
    args: ['sh', '-c', 'read x; stty size; seq 30000; echo last $x'],
    terminal: true,
    stdin,
    stdout,
  });
  await shim.call(tasks.resizePty, { id: 'c1', width: 77, height: 33 });
  writeSync(writer.fd, 'word\n');
  const text = await out;
  expect(text).toContain('33 77\r\n1\r\n2\r\n');
  expect(text.endsWith('30000\r\nlast word\r\n')).toBe(true);
  await shim.end();
}, 120_000);

test('a file:// URI appends both outputs to a file, making its directory', async () => {
  await using r = await rig();
  const path = join(r.directory, 'logs/a b/x.log');
  const stdout = `file://${path.replace(' ', '%20')}`;
  for (const id of ['c1', 'c2']) {
    const shim = await r.launch(id, { args: ['sh', '-c', 'echo out; echo err >&2'], stdout });
    await shim.exitOf();
    await shim.end();
  }
  expect(readFileSync(path, 'latin1')).toBe('out\nerr\nout\nerr\n');
}, 120_000);

test('a binary:// logger gets arguments, environment, both outputs, and time to end', async () => {
  await using r = await rig();
  const log = join(r.directory, 'log');
  const program = join(r.directory, 'logger');
  const script = [
    '#!/bin/sh',
    `exec >>${log}`,
    'echo "$* $CONTAINER_ID $CONTAINER_NAMESPACE $HOME"',
    'exec 5>&-',
    'cat <&3',
    'cat <&4',
    'echo end',
    '',
  ];
  writeFileSync(program, script.join('\n'));
  chmodSync(program, 0o755);
  const shim = await r.launch('c1', {
    args: ['sh', '-c', 'echo out; echo err >&2'],
    stdout: `binary://${program}?key=a+b&flag`,
  });
  await shim.exitOf();
  await shim.end();
  expect(readFileSync(log, 'latin1')).toBe(`key a b flag c1 ${r.namespace} \nout\nerr\nend\n`);
}, 120_000);

test('a binary-v2:// logger must say a byte when it is ready; one that only closes its descriptor has failed', async () => {
  await using r = await rig();
  const log = join(r.directory, 'log');
  const logger = (name: string, ready: string) => {
    const program = join(r.directory, name);
    writeFileSync(program, `#!/bin/sh\nexec >>${log}\n${ready}\nexec 5>&-\ncat <&3\ncat <&4\n`);
    chmodSync(program, 0o755);
    return `binary-v2://${program}`;
  };
  const shim = await r.launch('c1', { args: ['echo', 'out'], stdout: logger('ready', 'printf x >&5') });
  await shim.exitOf();
  await shim.end();
  expect(readFileSync(log, 'latin1')).toBe('out\n');
  const mute = await r.start('c2');
  await expect(mute.create({ stdout: logger('mute', ':') })).rejects.toThrow('without a word');
}, 120_000);

test('a scheme that nobody knows is refused', async () => {
  await using r = await rig();
  const shim = await r.start('c1');
  await expect(shim.create({ stdout: 'gopher:///x' })).rejects.toThrow('unknown STDIO scheme gopher');
}, 120_000);
