import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createTask } from '#client/task';
import { existingIo, fifoIo, type Streams, type TaskIo } from '#client/task-io';
import { faultOf } from '#core/subject';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { makeContainer, removeContainer } from '#test/support/containers';
import { leftBehind } from '#test/support/nothing-left';

const open = new AsyncDisposableStack();
let on: BusyboxDaemon;
let fifoDir: string;
let number = 0;
beforeAll(async () => {
  on = open.use(await startBusyboxDaemon());
  fifoDir = join(on.daemon.directory, 'fifo');
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

interface Begun {
  readonly id: string;
  readonly io: TaskIo;
  end(): Promise<number>;
}

async function begin(args: readonly string[], streams: Streams, keep = false): Promise<Begun> {
  const { client, scope, top } = on;
  const id = `c${number++}`;
  const io = await fifoIo(id, streams, { terminal: false, fifoDir, keep });
  const container = await makeContainer(client, scope, id, { top, args });
  await createTask(client, scope, container, io.stdio);
  const waiting = client.tasks.wait(scope, id, '');
  await client.tasks.start(scope, id, '');
  io.startInput(() => client.tasks.closeIo(scope, id, '', true));
  const end = async () => {
    const { exitStatus } = await waiting;
    await io.drained;
    await io[Symbol.asyncDispose]();
    await client.tasks.delete(scope, id);
    await removeContainer(client, scope, id);
    return exitStatus;
  };
  return { id, io, end };
}

function collector() {
  const chunks: Uint8Array[] = [];
  return {
    sink: async (chunk: Uint8Array) => void chunks.push(chunk),
    text: () => Buffer.concat(chunks).toString(),
  };
}

async function expectNothingLeft(): Promise<void> {
  expect(readdirSync(fifoDir)).toEqual([]);
  expect(await leftBehind(on.daemon, on.client, on.scope)).toEqual([]);
}

test('100 MB of anything go in and come out whole', async () => {
  const block = randomBytes(1 << 20);
  const sent = createHash('sha256');
  async function* input(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 100; at++) {
      block.writeUInt32LE(at, 17 * at);
      sent.update(block);
      yield block.subarray(0, at % 3 === 0 ? block.length : 1000);
      if (at % 3 !== 0) yield block.subarray(1000);
    }
  }
  const got = createHash('sha256');
  let length = 0;
  const stdout = async (chunk: Uint8Array) => {
    got.update(chunk);
    length += chunk.length;
  };
  const { end } = await begin(['/bin/cat'], { stdin: input(), stdout });
  expect(await end()).toBe(0);
  expect([length, got.digest('hex')]).toEqual([100 << 20, sent.digest('hex')]);
  await expectNothingLeft();
}, 120_000);

test('a process that ends before its input does not keep its client, and its words arrive', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(1 << 16).fill(120);
  }
  const out = collector();
  const { end } = await begin(['/bin/sh', '-c', 'head -c 3; exit 4'], { stdin: endless(), stdout: out.sink });
  expect(await end()).toBe(4);
  expect(out.text()).toBe('xxx');
  await expectNothingLeft();
}, 120_000);

test('the end of the input reaches a process that waits for it, at once where there is none', async () => {
  async function* nothing(): AsyncGenerator<Uint8Array> {}
  const out = collector();
  const { end } = await begin(['/bin/sh', '-c', 'cat; echo done; echo bad >&2'], {
    stdin: nothing(),
    stdout: out.sink,
  });
  expect(await end()).toBe(0);
  expect(out.text()).toBe('done\n');
  await expectNothingLeft();
}, 120_000);

test('output of what the process left running, after its own end, is still read', async () => {
  const out = collector();
  const err = collector();
  const script = '(trap "" HUP TERM; sleep 0.3; echo late >&2) & echo early';
  // Not the first process of its pid namespace: that one's end would take the others along.
  const { end } = await begin(['/bin/sh', '-c', `sh -c '${script}'; sleep 0.5`], {
    stdout: out.sink,
    stderr: err.sink,
  });
  expect(await end()).toBe(0);
  expect([out.text(), err.text()]).toEqual(['early\n', 'late\n']);
  await expectNothingLeft();
}, 120_000);

test('after its client has died, another one attaches and hears and is heard', async () => {
  const { client, scope } = on;
  const first = collector();
  async function* never(): AsyncGenerator<Uint8Array> {
    await new Promise(() => {});
  }
  const { id, io } = await begin(
    ['/bin/sh', '-c', 'echo one; read word; echo "got $word"; exit 6'],
    { stdin: never(), stdout: first.sink, stderr: first.sink },
    true,
  );
  for (let waited = 0; waited < 60_000 && first.text() === ''; waited += 10) await Bun.sleep(10);
  await io[Symbol.asyncDispose](); // what is left of a client that dies: its fifos
  const second = collector();
  const state = await client.tasks.state(scope, id, '');
  async function* word(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('hello\n');
  }
  const attached = existingIo(state, { stdin: word(), stdout: second.sink, stderr: second.sink });
  const waiting = client.tasks.wait(scope, id, '');
  attached.startInput(() => client.tasks.closeIo(scope, id, '', true));
  expect((await waiting).exitStatus).toBe(6);
  await attached.drained;
  await attached[Symbol.asyncDispose]();
  expect([first.text(), second.text()]).toEqual(['one\n', 'got hello\n']);
  await client.tasks.delete(scope, id);
  await removeContainer(client, scope, id);
  expect(await faultOf(client.tasks.state(scope, id, ''))).toBe('not_found');
  expect(await leftBehind(on.daemon, client, scope)).toEqual([]);
}, 120_000);
