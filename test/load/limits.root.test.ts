import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { classOf, messageOf } from '#base/errors';
import { openClient } from '#client/client';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { removeContainer, runContainer } from '#test/support/containers';
import { run } from '#test/support/daemon';
import { leftBehind } from '#test/support/nothing-left';
import { end, launch } from './rig.ts';

const descriptors = ({ daemon }: BusyboxDaemon): number => readdirSync(`/proc/${daemon.pid}/fd`).length;

async function limit({ daemon }: BusyboxDaemon, what: string, to: number): Promise<void> {
  const { code, stderr } = await run('prlimit', ['--pid', String(daemon.pid), `--${what}=${to}:`]);
  expect([code, stderr]).toEqual([0, '']);
}

test('the daemon takes as many descriptors as it may have', async () => {
  await using on = await startBusyboxDaemon({ parent: '/dev/shm' });
  const [, soft, hard] =
    /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync(`/proc/${on.daemon.pid}/limits`, 'utf8')) ?? [];
  expect(soft).toBe(hard as string);
}, 120_000);

test('a daemon that has no more descriptors says so, serves who is there, and goes on when there are some again', async () => {
  await using on = await startBusyboxDaemon({ parent: '/dev/shm' });
  const { client, scope, top } = on;
  await launch(client, scope, 'first', top);
  await limit(on, 'nofile', descriptors(on) + 25);
  const started: string[] = [];
  const refused: unknown[] = [];
  for (let n = 0; n < 12; n++) {
    try {
      await launch(client, scope, `c${n}`, top);
      started.push(`c${n}`);
    } catch (thrown) {
      refused.push(thrown);
      await removeContainer(client, scope, `c${n}`).catch(() => {}); // it may not even have come to that
    }
  }
  expect(refused.length).toBeGreaterThan(0);
  for (const thrown of refused)
    expect([messageOf(thrown), classOf(thrown)]).toEqual([messageOf(thrown), 'resource_exhausted']);
  await client.version(scope.signal);
  expect((await client.tasks.list(scope)).filter(({ status }) => status === 'running').length).toBe(started.length + 1);
  await limit(on, 'nofile', 4096);
  await wait(500);
  await using later = openClient(on.daemon.address);
  await launch(later, scope, 'later', top);
  for (const id of ['first', 'later', ...started]) await end(later, scope, id);
  for (const { id } of await later.containers.list(scope)) await removeContainer(later, scope, id);
  expect(await leftBehind(on.daemon, later, scope)).toEqual([]);
}, 120_000);

test('a container that forks without end is stopped by its own limit, and the daemon and its neighbours do not notice', async () => {
  await using on = await startBusyboxDaemon({ parent: '/dev/shm' });
  const { client, scope, top } = on;
  await launch(client, scope, 'neighbour', top);
  await runContainer(client, scope, 'bomb', {
    top,
    // A shell that cannot fork ends: its children stay with the first process.
    args: ['/bin/sh', '-c', 'sh -c "while :; do sleep 1000 & done"; exec sleep 1000'],
    spec: (spec) => ({
      ...spec,
      linux: { ...spec.linux, resources: { ...spec.linux?.resources, pids: { limit: 60 } } },
    }),
  });
  await wait(1_000);
  const begin = performance.now();
  await client.version(scope.signal);
  expect(performance.now() - begin).toBeLessThan(30_000);
  expect((await client.tasks.pids(scope, 'bomb')).length).toBeLessThanOrEqual(60);
  for (const id of ['bomb', 'neighbour']) await end(client, scope, id);
  expect(await leftBehind(on.daemon, client, scope)).toEqual([]);
}, 120_000);
