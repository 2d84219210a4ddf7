import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createTask } from '#client/task';
import { fifoIo } from '#client/task-io';
import { faultOf } from '#core/subject';
import { type BusyboxDaemon, shimOf, startBusyboxDaemon, watchExits } from '#test/support/busybox-daemon';
import { execIn, makeContainer, removeContainer, runContainer } from '#test/support/containers';
import { leftBehind, taskDescriptors } from '#test/support/nothing-left';

/** The shim of containerd 1.6 under this daemon: the protocol is theirs, so any shim must do. */
const runtime = '/usr/bin/containerd-shim-runc-v2';
const sigkill = { execId: '', signal: 9, all: false };
const open = new AsyncDisposableStack();
let on: BusyboxDaemon;

beforeAll(async () => {
  on = open.use(await startBusyboxDaemon());
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

/** What has ended may still wait for its parent, which on some machines never comes. */
function alive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test("containers run under Debian's shim: output, exec, pause, statistics, restart of the daemon, exit and delete", async () => {
  const { client, scope, top } = on;
  let printed = '';
  const stdout = async (bytes: Uint8Array) => {
    printed += Buffer.from(bytes).toString();
  };
  await using io = await fifoIo('c1', { stdout }, { terminal: false });
  const args = ['/bin/sh', '-c', 'echo begun; trap "echo ended; exit 7" TERM; while :; do sleep 0.05; done'];
  const container = await makeContainer(client, scope, 'c1', { top, args, runtime });
  const { pid } = await createTask(client, scope, container, io.stdio);
  await client.tasks.start(scope, 'c1', '');
  expect(await client.tasks.state(scope, 'c1', '')).toMatchObject({ pid, status: 'running' });

  const exec = await execIn(client, scope, 'c1', 'more', ['/bin/sh', '-c', 'exit 3']);
  expect((await client.tasks.wait(scope, 'c1', 'more')).exitStatus).toBe(3);
  expect(await client.tasks.deleteProcess(scope, 'c1', 'more')).toMatchObject({ pid: exec, exitStatus: 3 });
  expect((await client.tasks.pids(scope, 'c1')).map((one) => one.pid)).toContain(pid);
  await client.tasks.pause(scope, 'c1');
  expect((await client.tasks.state(scope, 'c1', '')).status).toBe('paused');
  await client.tasks.resume(scope, 'c1');
  expect((await client.tasks.metrics(scope, [])).map(({ id }) => id)).toEqual(['c1']);

  const shim = shimOf(on.daemon, 'c1');
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await on.daemon.restart(signal);
    expect(await client.tasks.state(scope, 'c1', '')).toMatchObject({ pid, status: 'running' });
    expect(shimOf(on.daemon, 'c1')).toBe(shim);
  }
  const waiting = client.tasks.wait(scope, 'c1', '');
  await client.tasks.kill(scope, 'c1', { execId: '', signal: 15, all: false });
  expect((await waiting).exitStatus).toBe(7);
  expect(await client.tasks.delete(scope, 'c1')).toMatchObject({ pid, exitStatus: 7 });
  await io.drained;
  expect(printed).toBe('begun\nended\n');
  await removeContainer(client, scope, 'c1');
  expect([await leftBehind(on.daemon, client, scope), taskDescriptors(on.daemon)]).toEqual([[], []]);
}, 120_000);

test("a Debian shim that is killed is cleaned up after by Debian's own delete, with one exit event", async () => {
  const { client, scope, top } = on;
  await using exits = watchExits(client);
  const seen = () => exits.seen.filter((id) => id !== 'c1'); // that one's shim tells late, after two restarts
  const pid = await runContainer(client, scope, 'c2', { top, args: ['/bin/sleep', '1000'], runtime });
  process.kill(shimOf(on.daemon, 'c2'), 'SIGKILL');
  for (let waited = 0; waited < 60_000 && seen().length === 0; waited += 20) await wait(20);
  expect(seen()).toEqual(['c2']);
  expect(await faultOf(client.tasks.state(scope, 'c2', ''))).toBe('not_found');
  expect(alive(pid)).toBe(false);
  await removeContainer(client, scope, 'c2');
  expect(await leftBehind(on.daemon, client, scope)).toEqual([]);
}, 120_000);

test('a container that cannot be made under it says why, and is gone', async () => {
  const { client, scope, top } = on;
  const container = await makeContainer(client, scope, 'c3', { top, args: ['/no/such/program'], runtime });
  await using io = await fifoIo('c3', {}, { terminal: false });
  const thrown = await createTask(client, scope, container, io.stdio).catch((error: unknown) => error);
  expect(String(thrown)).toContain('no such file or directory');
  await client.tasks.kill(scope, 'c3', sigkill).catch(() => {}); // it never was
  await removeContainer(client, scope, 'c3');
  expect(await leftBehind(on.daemon, client, scope)).toEqual([]);
}, 120_000);
