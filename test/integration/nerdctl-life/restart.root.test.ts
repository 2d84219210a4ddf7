import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { readLifecycle } from '#core/engine/lifecycle-file';
import { eventually, type LifeRig, startLifeRig } from './rig.ts';

const config = `[plugins.'io.containerd.monitor.container.v1.restart']\ninterval = '1s'`;
const count = async (rig: LifeRig, id: string) =>
  Number((await rig.client.containers.get(rig.scope, id)).labels['containerd.io/restart.count'] ?? '0');
const statusOf = async (rig: LifeRig, id: string) => {
  const task = await rig.client.tasks.state(rig.scope, id, '').catch(() => undefined);
  return task?.status ?? 'absent';
};

test('what ends is started again as its policy says, and what its user stopped is not, over restarts of the daemon', async () => {
  await using rig = await startLifeRig({ config });
  const thrice = await rig.make('thrice', ['sh', '-c', 'exit 3'], { restart: 'on-failure:3' });
  const always = await rig.make('always', ['sleep', '1000'], { restart: 'always', stopTimeout: 1 });
  const unless = await rig.make('unless', ['sleep', '1000'], { restart: 'unless-stopped', stopTimeout: 1 });
  const never = await rig.make('never', ['sleep', '1000'], { restart: 'always' });
  expect(await rig.nerdctl(['start', 'thrice', 'always', 'unless'])).toMatchObject({ code: 0 });
  await eventually(
    () => count(rig, thrice.id),
    (times) => times === 3,
  );
  for (const { id } of [always, unless]) {
    const { pid } = await rig.client.tasks.state(rig.scope, id, '');
    process.kill(pid, 'SIGKILL');
    await eventually(
      async () => [await statusOf(rig, id), await count(rig, id)],
      ([status, times]) => status === 'running' && times === 1,
    );
  }
  expect(await rig.nerdctl(['stop', 'always', 'unless'])).toMatchObject({ code: 0 });
  await wait(2_500);
  expect([await statusOf(rig, always.id), await statusOf(rig, unless.id)]).toEqual(['stopped', 'stopped']);
  await rig.daemon.restart('SIGKILL');
  // As docker: always means it when the daemon begins.
  await eventually(
    () => statusOf(rig, always.id),
    (status) => status === 'running',
  );
  await wait(1_500);
  expect([await statusOf(rig, unless.id), await count(rig, thrice.id), await statusOf(rig, never.id)]).toEqual([
    'stopped',
    3,
    'absent',
  ]);
  expect(await rig.nerdctl(['start', 'unless'])).toMatchObject({ code: 0 });
  await rig.daemon.restart('SIGTERM');
  expect(await statusOf(rig, unless.id)).toBe('running');
}, 300_000);

test('a stop never loses against a monitor that starts it again and again', async () => {
  await using rig = await startLifeRig({ config });
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      rig.make(`hasty${n}`, ['sh', '-c', `sleep 0.${n}`], { restart: 'always', stopTimeout: 1 }),
    ),
  );
  const names = all.map((_, n) => `hasty${n}`);
  for (let round = 0; round < 3; round++) {
    expect(await rig.nerdctl(['start', ...names])).toMatchObject({ code: 0 });
    await wait(300 + 170 * round);
    expect(await rig.nerdctl(['stop', '-t', '0', ...names])).toMatchObject({ code: 0 });
    await wait(1_500);
    const running = await Promise.all(all.map(({ id }) => statusOf(rig, id)));
    expect(running.filter((status) => status === 'running' || status === 'created')).toEqual([]);
  }
  await rig.nerdctl(['start', ...names]);
  await wait(400);
  expect(await rig.nerdctl(['rm', '-f', ...names])).toMatchObject({ code: 0 });
  await wait(1_500);
  expect(await rig.client.containers.list(rig.scope)).toEqual([]);
}, 300_000);

test('what goes with its process goes also when the daemon was killed before or in between', async () => {
  await using rig = await startLifeRig({ config });
  const first = await rig.make('first', ['sleep', '1'], { autoRemove: true });
  const second = await rig.make('second', ['sleep', '1000'], { autoRemove: true });
  const fresh = await rig.make('fresh', ['true'], { autoRemove: true });
  await rig.nerdctl(['start', 'first', 'second']);
  await eventually(
    () => readLifecycle(rig.stateDir(second.id)),
    ({ startedAt }) => startedAt !== '',
  );
  await rig.daemon.kill('SIGKILL');
  await wait(1_500);
  await rig.daemon.start();
  await eventually(
    async () => (await rig.client.containers.list(rig.scope)).map(({ id }) => id).sort(),
    (ids) => ids.join() === [second.id, fresh.id].sort().join(),
  );
  expect(existsSync(rig.stateDir(first.id))).toBe(false);
  // Killed between the stop and the end.
  const stopping = rig.nerdctl(['stop', '-t', '1', 'second']);
  await wait(30);
  await rig.daemon.kill('SIGKILL');
  await stopping;
  await rig.daemon.start();
  await rig.nerdctl(['stop', '-t', '0', 'second']);
  await eventually(
    async () => (await rig.client.containers.list(rig.scope)).map(({ id }) => id),
    (ids) => ids.join() === fresh.id,
  );
}, 300_000);

// shows: run --restart
test('run takes a policy', async () => {
  await using rig = await startLifeRig({ config });
  const words = ['run', '-d', '--network', 'none', '--restart', 'on-failure:2', 'busybox', 'sh', '-c', 'exit 1'];
  const { out, code } = await rig.nerdctl(words);
  expect(code).toBe(0);
  await eventually(
    () => count(rig, out.trim()),
    (times) => times === 2,
  );
  await wait(1_500);
  expect(await count(rig, out.trim())).toBe(2);
  expect((await rig.nerdctl([...words.slice(0, 4), '--rm', ...words.slice(4)])).code).toBe(125);
}, 300_000);
