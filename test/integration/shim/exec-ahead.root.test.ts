import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';

import { rig } from './log-rig.ts';
import { descriptors, drain, type Shim, tasks, zombies } from './rig.ts';

const spec = (args: readonly string[]) => ({
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
  value: Buffer.from(JSON.stringify({ user: { uid: 0, gid: 0 }, args, env: ['PATH=/bin'], cwd: '/' })),
});

/** The runtimes of execs that a shim has running, by what they were told. */
async function runtimes(shim: Shim): Promise<readonly number[]> {
  const pid = await shim.pid();
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
  return children.map(Number).filter((child) => {
    try {
      return readFileSync(`/proc/${child}/cmdline`, 'latin1').split('\0').includes('exec');
    } catch {
      return false;
    }
  });
}

/** The runtime that an exec has begun; it takes a moment until the child is the runtime. */
async function begunBy(shim: Shim): Promise<readonly number[]> {
  let found: readonly number[] = [];
  await shim.rig.eventually('a runtime is begun', async () => {
    found = await runtimes(shim);
    return found.length > 0;
  });
  return found;
}

async function gone(shim: Shim, pids: readonly number[]): Promise<void> {
  for (const pid of pids)
    await shim.rig.eventually(`${pid} has ended`, () => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`).length === 0;
      } catch {
        return true;
      }
    });
}

test('the runtime of an exec is begun when it is made, and ends its start', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  const stdout = r.fifo('out');
  const text = drain(stdout);
  await shim.call(tasks.exec, { id: 'c1', execId: 'e1', stdout, spec: spec(['sh', '-c', 'echo said; exit 5']) });
  const [begun, ...more] = await begunBy(shim);
  expect(begun).toBeGreaterThan(0);
  expect(more).toEqual([]);
  const { pid } = await shim.call(tasks.start, { id: 'c1', execId: 'e1' });
  expect(pid).not.toBe(begun);
  expect(await shim.exitOf('e1')).toBe(5);
  await shim.call(tasks.delete, { id: 'c1', execId: 'e1' });
  expect(await text).toBe('said\n');
  expect(await runtimes(shim)).toEqual([]);
  await shim.end();
}, 120_000);

test('what was begun and not started goes by itself, and the start does without it', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  const before = descriptors(await shim.pid());
  await shim.call(tasks.exec, { id: 'c1', execId: 'e1', spec: spec(['sh', '-c', 'exit 6']) });
  const begun = await begunBy(shim);
  expect(begun.length).toBe(1);
  await gone(shim, begun);
  expect(descriptors(await shim.pid())).toBe(before);
  await shim.call(tasks.start, { id: 'c1', execId: 'e1' });
  expect(await shim.exitOf('e1')).toBe(6);
  await shim.end();
}, 120_000);

test('with its exec, or its container, it is gone', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  await shim.call(tasks.exec, { id: 'c1', execId: 'e1', spec: spec(['true']) });
  const first = await begunBy(shim);
  await shim.call(tasks.delete, { id: 'c1', execId: 'e1' });
  await gone(shim, first);
  await shim.call(tasks.exec, { id: 'c1', execId: 'e2', spec: spec(['true']) });
  const second = await begunBy(shim);
  expect([first.length, second.length]).toEqual([1, 1]);
  await shim.end();
  await gone(shim, second);
}, 120_000);

test('a container that was paused meanwhile is not entered, and a start that cannot be is told as always', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  await shim.call(tasks.exec, { id: 'c1', execId: 'e1', spec: spec(['true']) });
  await shim.call(tasks.pause, { id: 'c1' });
  await expect(shim.call(tasks.start, { id: 'c1', execId: 'e1' })).rejects.toThrow(
    /^OCI runtime exec failed: .*paused/,
  );
  await shim.call(tasks.resume, { id: 'c1' });
  await shim.call(tasks.exec, { id: 'c1', execId: 'e2', spec: spec(['no-such-program']) });
  await expect(shim.call(tasks.start, { id: 'c1', execId: 'e2' })).rejects.toThrow(
    /^OCI runtime exec failed: .*no-such-program/,
  );
  expect(zombies(await shim.pid())).toBe(0);
  await shim.end();
}, 120_000);

test('however many execs are made, few wait with a runtime of their own, and all can be started', async () => {
  await using r = await rig();
  const shim = await r.launch('c1');
  const ids = Array.from({ length: 12 }, (_, at) => `e${at}`);
  for (const execId of ids) await shim.call(tasks.exec, { id: 'c1', execId, spec: spec(['sh', '-c', 'exit 3']) });
  expect((await runtimes(shim)).length).toBeLessThanOrEqual(4);
  await Promise.all(ids.map((execId) => shim.call(tasks.start, { id: 'c1', execId })));
  expect(await Promise.all(ids.map((execId) => shim.exitOf(execId)))).toEqual(ids.map(() => 3));
  await shim.end();
}, 120_000);
