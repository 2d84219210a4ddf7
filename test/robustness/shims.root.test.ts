import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createTask } from '#client/task';
import { nullIo } from '#client/task-io';
import { faultOf } from '#core/subject';
import { type BusyboxDaemon, shimOf, startBusyboxDaemon, watchExits } from '#test/support/busybox-daemon';
import { execIn, makeContainer, removeContainer, runContainer } from '#test/support/containers';
import { leftBehind, taskDescriptors } from '#test/support/nothing-left';

const bounds = `[timeouts]
"io.containerd.timeout.task.kill" = "1s"
"io.containerd.timeout.shim.load" = "1s"
`;
const open = new AsyncDisposableStack();
let on: BusyboxDaemon;
let number = 0;
let id = '';

beforeAll(async () => {
  on = open.use(await startBusyboxDaemon({ config: bounds }));
}, 120_000);
beforeEach(() => {
  id = `c${number++}`;
});
afterAll(() => open.disposeAsync(), 120_000);

const sleeping = ['/bin/sleep', '1000'];
const run = (args: readonly string[] = sleeping) => runContainer(on.client, on.scope, id, { top: on.top, args });
const sigkill = { execId: '', signal: 9, all: false };

/** What has ended may still wait for its parent, which on some machines never comes. */
function alive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function expectNothingLeft(): Promise<void> {
  await removeContainer(on.client, on.scope, id);
  expect(await leftBehind(on.daemon, on.client, on.scope)).toEqual([]);
  expect(taskDescriptors(on.daemon)).toEqual([]);
}

/** Until the condition holds; its last value in the end. */
async function eventually(holds: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<boolean> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await wait(20)) if (await holds()) return true;
  return holds();
}

test('a shim killed under its container takes it along: one exit event, and all is cleaned up', async () => {
  await using exits = watchExits(on.client);
  const pid = await run();
  await execIn(on.client, on.scope, id, 'more', sleeping);
  const waiting = faultOf(on.client.tasks.wait(on.scope, id, ''));
  process.kill(shimOf(on.daemon, id), 'SIGKILL');
  expect(await waiting).not.toBe('none');
  expect(await eventually(() => exits.seen.length > 0)).toBe(true);
  expect(await eventually(async () => (await faultOf(on.client.tasks.state(on.scope, id, ''))) === 'not_found')).toBe(
    true,
  );
  expect(alive(pid)).toBe(false);
  // The name is free: the same container starts again.
  const container = await on.client.containers.get(on.scope, id);
  await createTask(on.client, on.scope, container, nullIo().stdio);
  await on.client.tasks.kill(on.scope, id, sigkill);
  await on.client.tasks.wait(on.scope, id, '');
  await on.client.tasks.delete(on.scope, id);
  await wait(300);
  expect(exits.seen).toEqual([id, id]); // one of each life
  await expectNothingLeft();
}, 120_000);

test('a shim killed after its container has ended: the end is not told again', async () => {
  await using exits = watchExits(on.client);
  await run(['/bin/sh', '-c', 'exit 5']);
  expect((await on.client.tasks.wait(on.scope, id, '')).exitStatus).toBe(5);
  expect(await eventually(() => exits.seen.length > 0)).toBe(true);
  process.kill(shimOf(on.daemon, id), 'SIGKILL');
  expect(await eventually(async () => (await faultOf(on.client.tasks.state(on.scope, id, ''))) === 'not_found')).toBe(
    true,
  );
  await wait(500);
  expect(exits.seen).toEqual([id]);
  await expectNothingLeft();
}, 120_000);

test('a shim killed while the daemon is away is found dead by the next one', async () => {
  const pid = await run();
  const shim = shimOf(on.daemon, id);
  await on.daemon.kill('SIGKILL');
  process.kill(shim, 'SIGKILL');
  await on.daemon.start();
  expect(await faultOf(on.client.tasks.state(on.scope, id, ''))).toBe('not_found');
  expect(alive(pid)).toBe(false);
  await expectNothingLeft();
}, 120_000);

test('a stopped shim is left out of the list in time, holds up nobody, and a kill ends it', async () => {
  await using exits = watchExits(on.client);
  const pid = await run();
  const stuck = id;
  process.kill(shimOf(on.daemon, stuck), 'SIGSTOP');
  id = `${stuck}-other`;
  await run();
  const begin = performance.now();
  expect((await on.client.tasks.list(on.scope)).map((task) => task.id)).toEqual([id]);
  expect(performance.now() - begin).toBeLessThan(30_000);
  await endOther(id);
  id = stuck;
  const killing = performance.now();
  await on.client.tasks.kill(on.scope, id, sigkill);
  expect(await eventually(() => exits.seen.includes(id))).toBe(true);
  expect(performance.now() - killing).toBeLessThan(60_000);
  expect(alive(pid)).toBe(false);
  expect(exits.seen.filter((one) => one === id)).toEqual([id]);
  await expectNothingLeft();
}, 120_000);

test('a daemon starts beside a stopped shim, and can end it though it never talked to it', async () => {
  const pid = await run();
  process.kill(shimOf(on.daemon, id), 'SIGSTOP');
  await on.daemon.kill('SIGKILL');
  const begin = performance.now();
  await on.daemon.start();
  expect(performance.now() - begin).toBeLessThan(60_000);
  await using exits = watchExits(on.client);
  expect(alive(pid)).toBe(true);
  await on.client.tasks.kill(on.scope, id, sigkill);
  expect(await eventually(() => exits.seen.includes(id))).toBe(true);
  expect(alive(pid)).toBe(false);
  await expectNothingLeft();
}, 120_000);

test('a shim that was stopped and goes on is as if nothing had been', async () => {
  await run();
  const shim = shimOf(on.daemon, id);
  process.kill(shim, 'SIGSTOP');
  expect(await faultOf(on.client.tasks.state(on.scope, id, ''))).toBe('deadline_exceeded');
  await on.daemon.restart();
  process.kill(shim, 'SIGCONT');
  expect((await on.client.tasks.state(on.scope, id, '')).status).toBe('running');
  await endOther(id);
  expect(await leftBehind(on.daemon, on.client, on.scope)).toEqual([]);
}, 120_000);

test('an end while the daemon was away is told once, by the first daemon that is there to hear it', async () => {
  const pid = await run();
  const shim = shimOf(on.daemon, id);
  await on.daemon.kill('SIGKILL');
  process.kill(shim, 'SIGSTOP'); // until somebody listens for events
  process.kill(pid, 'SIGKILL');
  await on.daemon.start();
  {
    await using exits = watchExits(on.client);
    await on.client.version(on.scope.signal);
    process.kill(shim, 'SIGCONT');
    expect(await eventually(() => exits.seen.length > 0)).toBe(true);
    expect((await on.client.tasks.wait(on.scope, id, '')).exitStatus).toBe(137);
    await wait(300);
    expect(exits.seen).toEqual([id]);
  }
  await on.daemon.restart();
  await using exits = watchExits(on.client);
  expect((await on.client.tasks.state(on.scope, id, '')).exitStatus).toBe(137);
  process.kill(shim, 'SIGKILL');
  expect(await eventually(async () => (await faultOf(on.client.tasks.state(on.scope, id, ''))) === 'not_found')).toBe(
    true,
  );
  await wait(300);
  expect(exits.seen).toEqual([]);
  await expectNothingLeft();
}, 120_000);

test('a task that was created and never started is taken back, too', async () => {
  const container = await makeContainer(on.client, on.scope, id, { top: on.top, args: sleeping });
  const { pid } = await createTask(on.client, on.scope, container, nullIo().stdio);
  await on.daemon.restart('SIGKILL');
  expect(await on.client.tasks.state(on.scope, id, '')).toMatchObject({ status: 'created', pid });
  await on.client.tasks.start(on.scope, id, '');
  expect((await on.client.tasks.state(on.scope, id, '')).status).toBe('running');
  await endOther(id);
  expect(await leftBehind(on.daemon, on.client, on.scope)).toEqual([]);
}, 120_000);

async function endOther(which: string): Promise<void> {
  await on.client.tasks.kill(on.scope, which, sigkill);
  await on.client.tasks.wait(on.scope, which, '');
  await on.client.tasks.delete(on.scope, which);
  await removeContainer(on.client, on.scope, which);
}
