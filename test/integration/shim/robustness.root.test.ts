import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { DeleteResponseSchema } from '#api/runtime/task/v2/task_pb';
import { connectTtrpc } from '#lib/ttrpc/client';
import { encodeFrame } from '#lib/ttrpc/frame';
import { encodeRequest } from '#lib/ttrpc/messages';
import { descriptors, Rig, tasks, zombies } from './rig.ts';

async function rig(): Promise<Rig> {
  const made = new Rig();
  await made.listen();
  return made;
}

/** Sends bytes and collects what comes back until it holds `expected`, or for a moment when nothing is expected. */
async function raw(address: string, bytes: Uint8Array, expected?: string): Promise<Buffer> {
  const socket = connect(address.slice('unix://'.length));
  let got = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    got = Buffer.concat([got, chunk]);
  });
  socket.on('error', () => undefined); // the shim may hang up on us
  socket.write(bytes);
  const patience = expected === undefined ? 60 : 60_000;
  for (let waited = 0; waited < patience && !(expected !== undefined && got.includes(expected)); waited += 20)
    await wait(20);
  socket.destroy();
  return got;
}

test('hostile input is answered or dropped, and the next client is served', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  const pid = await shim.pid();
  await wait(50);
  const before = descriptors(pid);
  const service = 'containerd.task.v2.Task';
  const good = encodeRequest({
    service,
    method: 'State',
    payload: Buffer.from([10, 2, 99, 49]),
    timeoutNano: 0n,
    metadata: new Map(),
  });
  const oversize = Buffer.alloc(10 + 5_000_000);
  oversize.writeUInt32BE(5_000_000, 0);
  oversize.writeUInt32BE(1, 4);
  oversize[8] = 1;
  const inputs = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(100_000, 0xff),
    Buffer.concat([oversize, encodeFrame(3, 1, good)]),
    encodeFrame(1, 1, good).subarray(0, 20),
    encodeFrame(2, 1, good),
    Buffer.concat([encodeFrame(5, 1, good), encodeFrame(3, 1, good)]),
    encodeFrame(1, 3, good),
    encodeFrame(1, 1, Buffer.alloc(4_000_000, 0x0a)),
  ];
  const wanted = new Map([
    [2, 'exceed maximum message size'],
    [4, 'StreamID must be odd'],
    [5, 'cannot be re-used'],
  ]);
  const answers = await Promise.all(inputs.map((input, i) => raw(shim.address, input, wanted.get(i))));
  for (const [i, text] of wanted) expect(answers[i]?.includes(text)).toBe(true);
  for (let i = 0; i < good.length; i++) {
    const changed = Buffer.from(good);
    changed[i] = (changed[i] ?? 0) ^ 0x55;
    if (i % 8 === 0) await raw(shim.address, encodeFrame(1, 1, changed));
  }
  const methods = Object.values(tasks).filter(({ name }) => name !== 'Shutdown');
  const client = await connectTtrpc(shim.address);
  for (const { name } of methods) {
    for (const payload of [Buffer.from([0xff]), Buffer.from([0x08, 0x01]), Buffer.from([0x0a, 0x02, 0x61, 0x00])]) {
      await expect(client.call(service, name, payload)).rejects.toThrow('invalid argument');
    }
  }
  client.close();
  expect((await shim.call(tasks.state, { id: 'c1' })).status).toBe(2);
  await r.eventually('what came is closed again', () => descriptors(pid) <= before);
  await shim.end();
}, 120_000);

test('thirty execs at once run side by side and leave nothing', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  const pid = await shim.pid();
  const before = descriptors(pid);
  const statuses = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      await shim.exec(`e${i}`, ['sh', '-c', `exit ${i}`]);
      const status = await shim.exitOf(`e${i}`);
      await shim.call(tasks.delete, { id: 'c1', execId: `e${i}` });
      return status;
    }),
  );
  expect(statuses).toEqual(Array.from({ length: 30 }, (_, i) => i));
  await r.eventually('all is closed again', () => descriptors(pid) <= before);
  expect(zombies(pid)).toBe(0);
  await r.eventually('all events', () => r.events.length === 2 + 3 * 30);
  for (let i = 0; i < 30; i++) {
    const own = r.events
      .filter(({ id, topic }) => id === `e${i}` && topic !== '/tasks/exec-added')
      .map(({ topic }) => topic);
    expect(own).toEqual(['/tasks/exec-started', '/tasks/exit']);
  }
  await shim.end();
}, 120_000);

test('one shim serves a group of containers, and ends with the last', async () => {
  await using r = await rig();
  const options = { annotations: { 'io.kubernetes.cri.sandbox-id': 'pod1' } };
  const names = Array.from({ length: 8 }, (_, i) => `g${i}`);
  const shims = [];
  for (const name of names) shims.push(await r.start(name, options));
  expect(new Set(shims.map(({ address }) => address)).size).toBe(1);
  await Promise.all(shims.map((shim) => shim.create()));
  await Promise.all(shims.map((shim) => shim.call(tasks.start, { id: shim.id })));
  const first = shims[0];
  if (first === undefined) throw new Error('no shim');
  const pid = await first.pid();
  for (const shim of shims.slice(1)) await shim.end();
  expect(existsSync(`/proc/${pid}/exe`)).toBe(true);
  await first.end();
  await r.eventually('the shim has ended', () => !existsSync(first.address.slice('unix://'.length)));
}, 120_000);

test('events wait for a daemon that is away, in their order', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  await r.unlisten();
  await shim.exec('e1', ['true']);
  await shim.exitOf('e1');
  await shim.call(tasks.kill, { id: 'c1', signal: 9 });
  await shim.exitOf();
  await wait(300);
  await r.listen();
  await r.eventually('all events', () => r.events.length === 6);
  const kinds = ['create', 'start', 'exec-added', 'exec-started', 'exit', 'exit'];
  expect(r.events.map(({ topic }) => topic)).toEqual(kinds.map((kind) => `/tasks/${kind}`));
  await shim.end();
}, 120_000);

test("a runtime that hangs is ended when the caller's time is up", async () => {
  await using r = await rig();
  const binaryName = join(r.directory, 'slow');
  writeFileSync(binaryName, '#!/bin/sh\ncase "$*" in *create*) exec sleep 1000;; esac\n', { mode: 0o755 });
  const shim = await r.start('c1');
  await expect(shim.create({ binaryName }, 'c1', 500)).rejects.toThrow('deadline exceeded');
  await expect(shim.call(tasks.delete, { id: 'c1' })).rejects.toThrow('container not created: not found');
  expect(zombies(await shim.pid())).toBe(0);
  await shim.call(tasks.shutdown, { id: 'c1' });
  await shim.client.closed;
}, 120_000);

test('delete cleans up after a shim that was killed', async () => {
  await using r = await rig();
  const shim = await r.start('c1');
  const init = await shim.create();
  await shim.call(tasks.start, { id: 'c1' });
  process.kill(await shim.pid(), 'SIGKILL');
  await shim.client.closed;
  const reply = fromBinary(DeleteResponseSchema, r.run('c1', 'delete'));
  expect(reply).toMatchObject({ pid: init, exitStatus: 137 });
  expect(existsSync(`/proc/${init}/exe`)).toBe(false);
  expect(existsSync(shim.address.slice('unix://'.length))).toBe(false);
  expect(readFileSync('/proc/self/mountinfo', 'latin1')).not.toContain(r.bundle('c1'));
}, 120_000);

test('an overlay of more layers than a page of options can name is mounted', async () => {
  await using r = await rig();
  const spread = (i: number) => join(r.directory, i % 2 === 0 ? 'even' : 'odd', `layer-with-a-rather-long-name-${i}`);
  const layers = Array.from({ length: 120 }, (_, i) => spread(i));
  for (const [i, layer] of layers.entries()) {
    mkdirSync(layer, { recursive: true });
    writeFileSync(join(layer, `file${i}`), '');
  }
  for (const name of ['upper', 'work']) mkdirSync(join(r.directory, name));
  const lower = [r.base, ...layers].join(':');
  const options = [`workdir=${r.directory}/work`, `upperdir=${r.directory}/upper`, `lowerdir=${lower}`];
  const shim = await r.launch('c1', {
    args: ['sh', '-c', 'ls / | wc -l'],
    rootfs: [{ type: 'overlay', source: 'overlay', options }],
    stdout: `file://${r.directory}/log`,
  });
  expect(await shim.exitOf()).toBe(0);
  await shim.end();
  expect(Number(readFileSync(join(r.directory, 'log'), 'latin1'))).toBe(126);
}, 120_000);

test('an idle shim is small and does not wake up', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  const pid = await shim.pid();
  const wakeups = () =>
    Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
  // When it has given back what its start took, which is soon, it sleeps.
  let before: number;
  do {
    before = wakeups();
    await wait(2000);
  } while (wakeups() !== before);
  const pss = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]);
  // The sanitizers' shadow memory is not the shim's.
  if (process.env.BERTH_SHIM === undefined) expect(pss).toBeLessThan(400);
  await shim.end();
}, 120_000);
