import { expect, test } from 'bun:test';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { Rig, tasks } from './rig.ts';

async function rig(): Promise<Rig> {
  const made = new Rig();
  await made.listen();
  return made;
}

test('a container is created, started, ends and is deleted, and each is told in this order', async () => {
  await using r = await rig();
  const shim = await r.start('c1', { args: ['sh', '-c', 'exit 7'] });
  expect(await shim.create()).toBeGreaterThan(0);
  expect((await shim.call(tasks.state, { id: 'c1' })).status).toBe(1);
  await shim.call(tasks.start, { id: 'c1' });
  expect(await shim.exitOf()).toBe(7);
  expect((await shim.call(tasks.state, { id: 'c1' })).status).toBe(3);
  const deleted = await shim.call(tasks.delete, { id: 'c1' });
  expect(deleted.exitStatus).toBe(7);
  expect(Number(deleted.exitedAt?.seconds)).toBeGreaterThan(1_600_000_000);
  await shim.call(tasks.shutdown, { id: 'c1' });
  await shim.client.closed;
  expect(r.events).toEqual([
    { topic: '/tasks/create', id: 'c1', status: 0 },
    { topic: '/tasks/start', id: 'c1', status: 0 },
    { topic: '/tasks/exit', id: 'c1', status: 7 },
    { topic: '/tasks/delete', id: 'c1', status: 0 },
  ]);
  await r.eventually('socket removed', () => !existsSync(shim.address.slice('unix://'.length)));
}, 120_000);

test('socket and directory are for root alone', async () => {
  await using r = await rig();
  const shim = await r.start('c1');
  expect(statSync(shim.address.slice('unix://'.length)).mode & 0o777).toBe(0o600);
  expect(statSync('/run/containerd/s').mode & 0o077).toBe(0);
}, 120_000);

test('what cannot be run is said in the words of the runtime, and nothing stays', async () => {
  await using r = await rig();
  const shim = await r.start('c1', { args: ['no-such-program'] });
  await expect(shim.create()).rejects.toThrow(
    /^OCI runtime create failed: .*"no-such-program": executable file not found/,
  );
  await expect(shim.call(tasks.state, { id: 'c1' })).rejects.toThrow('container not created: not found');
  await expect(shim.create({ binaryName: 'no-such-runtime' })).rejects.toThrow(
    'exec: "no-such-runtime": executable file not found in $PATH',
  );
  await expect(shim.call(tasks.delete, { id: 'c1' })).rejects.toThrow('not found');
}, 120_000);

test('an exec has its own exit, and ends before its container does', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  await shim.exec('e1', ['sh', '-c', 'exit 3']);
  expect(await shim.exitOf('e1')).toBe(3);
  expect((await shim.call(tasks.delete, { id: 'c1', execId: 'e1' })).exitStatus).toBe(3);
  await expect(shim.exec('e2', ['no-such-program'])).rejects.toThrow(/^OCI runtime exec failed: /);
  await shim.exec('e3', ['sleep', '1000']);
  const { processes } = await shim.call(tasks.pids, { id: 'c1' });
  expect(processes.length).toBe(2);
  expect(processes.filter(({ info }) => info?.typeUrl === 'containerd.runc.v1.ProcessDetails').length).toBe(1);
  await shim.end();
  const exits = r.events.filter(({ topic }) => topic === '/tasks/exit').map(({ id }) => id);
  expect(exits).toEqual(['e1', 'e3', 'c1']);
}, 120_000);

test('without a pid namespace of its own, what a container leaves is killed with it', async () => {
  await using r = await rig();
  const shim = await r.launch('c1', { args: ['sh', '-c', 'sleep 1234 & sleep 0.3'], hostPids: true });
  const { processes } = await shim.call(tasks.pids, { id: 'c1' });
  expect(await shim.exitOf()).toBe(0);
  await r.eventually('all have ended', () => processes.every(({ pid }) => hasEnded(pid)), 2000);
  await shim.end();
}, 120_000);

test('states that forbid an operation are named', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  const id = 'c1';
  await expect(shim.call(tasks.start, { id })).rejects.toThrow('cannot start a running process');
  await expect(shim.call(tasks.delete, { id })).rejects.toThrow('cannot delete a running process');
  await expect(shim.create()).rejects.toThrow('already exists');
  await expect(shim.call(tasks.kill, { id, execId: 'nope', signal: 9 })).rejects.toThrow(
    'process does not exist nope: not found',
  );
  await shim.call(tasks.pause, { id });
  expect((await shim.call(tasks.state, { id })).status).toBe(4);
  await expect(shim.exec('e', ['true'])).rejects.toThrow('cannot exec in a paused state');
  await shim.call(tasks.kill, { id, signal: 9 });
  expect(await shim.exitOf()).toBe(137);
  await expect(shim.call(tasks.kill, { id, signal: 9 })).rejects.toThrow('process already finished: not found');
  await shim.end();
}, 120_000);

test('a container that was never started can be deleted', async () => {
  await using r = await rig();
  const shim = await r.start('c1');
  await shim.create();
  expect((await shim.call(tasks.delete, { id: 'c1' })).exitStatus).toBe(137);
  await r.eventually('all events', () => r.events.length === 3);
  expect(r.events.map(({ topic }) => topic)).toEqual(['/tasks/create', '/tasks/exit', '/tasks/delete']);
  await shim.call(tasks.shutdown, { id: 'c1' });
}, 120_000);

function hasEnded(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}
