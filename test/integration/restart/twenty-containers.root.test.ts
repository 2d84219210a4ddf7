import { afterAll, beforeAll, expect, test } from 'bun:test';
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { TaskExitSchema } from '#api/events/task_pb';
import { type Client, openClient } from '#client/client';
import { fifoIo, nullIo, type TaskIo, uriIo } from '#client/task-io';
import { pull } from '#client/transfer';
import { rootSnapshot } from '#client/unpacked';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { busyboxImage } from '#test/support/busybox-image';
import { execIn, removeContainer, runContainer } from '#test/support/containers';
import { startDaemon, type TestDaemon } from '#test/support/daemon';
import { FakeRegistry } from '#test/support/fake-registry';
import { forgetNamespace, leftBehind, taskDescriptors } from '#test/support/nothing-left';
import { publish } from '#test/support/sample-image';

/*
 * One set of twenty containers goes through all outages of this file: six write to fifos and four to files without a pause, four have
 * processes exec'd in them during every outage, and two end during each outage, one by itself and one by SIGKILL.
 */
const scope = scopeOf(`restart-${randomUUID().slice(0, 8)}`);
const open = new AsyncDisposableStack();
const output = new Map<string, string>();
const ios = new Map<string, TaskIo>();
const pids = new Map<string, number>();
let daemon: TestDaemon;
let client: Client;

const writers = ['w0', 'w1', 'w2', 'w3', 'w4', 'w5'];
const filers = ['f0', 'f1', 'f2', 'f3'];
const hosts = ['e0', 'e1', 'e2', 'e3'];
const outages = ['restart', 'upgrade', 'kill'] as const;
const mortals = outages.flatMap((outage) => [`exit-${outage}`, `killed-${outage}`]);

const untilFile = (name: string, code: number) =>
  `while [ ! -e /${name} ]; do usleep 20000; done; echo ended by ${name}; exit ${code}`;
const writing = 'i=0; while [ ! -e /stop ]; do echo "line $i"; i=$((i+1)); usleep 2000; done; echo "last $i"; exit 3';
const sh = (script: string) => ['/bin/sh', '-c', script];

beforeAll(async () => {
  open.defer(() => forgetNamespace(scope.namespace));
  daemon = open.use(await startDaemon({ built: true }));
  client = open.use(openClient(daemon.address));
  await using registry = await FakeRegistry.start();
  publish(registry, 'a/busybox', 'v1', busyboxImage());
  const image = await pull(client, scope, `${registry.host}/a/busybox:v1`, { name: 'busybox' });
  const top = await rootSnapshot(client, scope, image.target, onlyPlatform(defaultPlatform()));
  for (const id of writers) await begin(id, sh(writing), await listening(id));
  for (const id of filers) await begin(id, sh(writing), uriIo(`file://${join(daemon.directory, `${id}.log`)}`));
  for (const id of hosts) await begin(id, sh(untilFile('stop', 4)), nullIo());
  for (const id of mortals) await begin(id, sh(untilFile('go', 42)), nullIo());

  async function begin(id: string, args: readonly string[], io: TaskIo) {
    ios.set(id, io);
    pids.set(id, await runContainer(client, scope, id, { top, args, io }));
  }
}, 120_000);

afterAll(async () => {
  for (const io of ios.values()) await io[Symbol.asyncDispose]();
  await open.disposeAsync();
}, 120_000);

for (const outage of outages) {
  test(`${outage}: twenty containers live on, and what ended meanwhile is told`, () => survive(outage), 120_000);
}

test('afterwards all output is complete and everything can be deleted', async () => {
  for (const id of [...writers, ...filers, ...hosts]) touch(id, 'stop');
  for (const id of [...writers, ...filers]) expect(await exitOf(id)).toEqual([id, 3]);
  for (const id of hosts) expect(await exitOf(id)).toEqual([id, 4]);
  for (const id of writers) {
    await ios.get(id)?.drained;
    expectComplete(id, output.get(id) ?? '');
  }
  for (const id of filers) expectComplete(id, readFileSync(join(daemon.directory, `${id}.log`), 'utf8'));
  for (const id of [...writers, ...filers, ...hosts]) {
    await client.tasks.delete(scope, id);
    await removeContainer(client, scope, id);
  }
  expect(await leftBehind(daemon, client, scope)).toEqual([]);
  expect(taskDescriptors(daemon)).toEqual([]);
}, 120_000);

async function survive(outage: (typeof outages)[number]): Promise<void> {
  const execIo = new Map<string, TaskIo>();
  for (const id of hosts) {
    const io = await listening(`${id}-${outage}`);
    execIo.set(id, io);
    await execIn(client, scope, id, outage, sh(`echo begun; ${untilFile(outage, 7)}`), io);
  }
  const pending = client.tasks.wait(scope, 'w0', '').then(
    () => 'ended',
    () => 'told of the outage',
  );
  // One in the middle of its making: it may or may not come to be.
  const half = execIn(client, scope, 'w1', outage, sh('exit 9')).catch(() => 0);
  await stop(outage);
  await half;
  expect(await pending).toBe('told of the outage');
  const before = writers.map((id) => output.get(id)?.length ?? 0);
  for (const id of hosts) touch(id, outage);
  touch(`exit-${outage}`, 'go');
  process.kill(pids.get(`killed-${outage}`) ?? 0, 'SIGKILL');
  // Nobody notices that the daemon is away.
  for (const [i, id] of writers.entries()) while ((output.get(id)?.length ?? 0) <= (before[i] ?? 0)) await wait(20);
  await daemon.start();
  await using events = exitEvents();
  await expectAllThere(outage);
  for (const id of hosts) {
    expect((await client.tasks.wait(scope, id, outage)).exitStatus).toBe(7);
    expect((await client.tasks.deleteProcess(scope, id, outage)).exitStatus).toBe(7);
    const io = execIo.get(id);
    await io?.drained;
    await io?.[Symbol.asyncDispose]();
    expect(output.get(`${id}-${outage}`)).toBe(`begun\nended by ${outage}\n`);
  }
  await client.tasks.kill(scope, 'w1', { execId: outage, signal: 9, all: false }).catch(() => {});
  await client.tasks.deleteProcess(scope, 'w1', outage).catch(() => {});
  for (const [kind, code] of [['exit', 42] as const, ['killed', 137] as const]) {
    const id = `${kind}-${outage}`;
    expect(await exitOf(id)).toEqual([id, code]);
    await toldOnce(id, events.seen);
    expect(await client.tasks.delete(scope, id)).toMatchObject({ id, exitStatus: code });
    await removeContainer(client, scope, id);
  }
}

async function stop(outage: (typeof outages)[number]): Promise<void> {
  const { code, signal } = await daemon.kill(outage === 'kill' ? 'SIGKILL' : 'SIGTERM');
  expect([code, signal]).toEqual(outage === 'kill' ? [null, 'SIGKILL'] : [0, null]);
  if (outage !== 'upgrade') return;
  const elsewhere = join(daemon.directory, 'newer');
  mkdirSync(elsewhere);
  copyFileSync(new URL('../../../dist/lib/berth/containerd', import.meta.url).pathname, join(elsewhere, 'containerd'));
  daemon.executable = join(elsewhere, 'containerd');
}

/** Those that should run do so under their old pids; those that ended are there to be asked. */
async function expectAllThere(outage: (typeof outages)[number]): Promise<void> {
  const later = outages.slice(outages.indexOf(outage) + 1);
  const expected = new Map<string, string>();
  for (const id of [...writers, ...filers, ...hosts]) expected.set(id, `running ${pids.get(id)}`);
  for (const name of later) for (const kind of ['exit', 'killed']) running(`${kind}-${name}`);
  for (const kind of ['exit', 'killed']) expected.set(`${kind}-${outage}`, `stopped ${pids.get(`${kind}-${outage}`)}`);
  const listed = await client.tasks.list(scope);
  expect(new Map(listed.map(({ id, status, pid }) => [id, `${status} ${pid}`]))).toEqual(expected);

  function running(id: string): void {
    expected.set(id, `running ${pids.get(id)}`);
  }
}

function exitEvents(): AsyncDisposable & { readonly seen: string[] } {
  const cancel = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { event } of client.events.subscribe(cancel.signal, [`topic=="/tasks/exit"`]))
      seen.push(fromBinary(TaskExitSchema, event.value).id);
  })();
  reading.catch(() => {}); // looked at in the end
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      cancel.abort();
      expect(['none', 'canceled']).toContain(await faultOf(reading));
    },
  };
}

/** The daemon has heard of it (before we could listen, perhaps), and we not twice. */
async function toldOnce(id: string, seen: readonly string[]): Promise<void> {
  const mark = join(daemon.state, 'io.containerd.runtime.v2.task', scope.namespace, id, 'exited');
  for (let waited = 0; waited < 60_000 && !existsSync(mark); waited += 20) await wait(20);
  expect([id, existsSync(mark)]).toEqual([id, true]);
  expect(seen.filter((one) => one === id).length).toBeLessThanOrEqual(1);
}

async function listening(id: string): Promise<TaskIo> {
  const decoder = new TextDecoder();
  output.set(id, '');
  const stdout = async (bytes: Uint8Array) => {
    output.set(id, output.get(id) + decoder.decode(bytes, { stream: true }));
  };
  return fifoIo(id, { stdout }, { terminal: false, fifoDir: join(daemon.directory, 'fifo') });
}

const exitOf = async (id: string) => [id, (await client.tasks.wait(scope, id, '')).exitStatus];

/** Makes a file in a container. */
const touch = (id: string, name: string) => writeFileSync(`/proc/${pids.get(id)}/root/${name}`, '');

function expectComplete(id: string, text: string): void {
  const lines = text.split('\n');
  const count = lines.length - 2;
  expect([id, lines.at(-1), lines.at(-2), lines.findIndex((line, i) => i < count && line !== `line ${i}`)]).toEqual([
    id,
    '',
    `last ${count}`,
    -1,
  ]);
  expect(count).toBeGreaterThan(100);
}
