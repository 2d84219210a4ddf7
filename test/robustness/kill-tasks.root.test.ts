import { afterAll, beforeAll, expect, test } from 'bun:test';
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type Client, openClient } from '#client/client';
import { createTask } from '#client/task';
import { nullIo } from '#client/task-io';
import { faultOf } from '#core/subject';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { execIn, makeContainer, removeContainer } from '#test/support/containers';
import { leftBehind, taskDescriptors } from '#test/support/nothing-left';

const rounds = Number(process.env.BERTH_KILLS ?? 12);
const atOnce = 6;
const open = new AsyncDisposableStack();
let on: BusyboxDaemon;

beforeAll(async () => {
  on = open.use(await startBusyboxDaemon({ parent: '/dev/shm' }));
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

const sigkill = { execId: '', signal: 9, all: false };

/** How far each container came, as its client knows it: what was acknowledged must hold in the next daemon. */
type Stage = 'none' | 'made' | 'created' | 'running' | 'ended' | 'deleted';

test(
  `kill -9 at ${rounds} random moments while containers are made, run, exec'd into and deleted`,
  async () => {
    const usualDescriptors = descriptors();
    for (let round = 0; round < rounds; round++) {
      const moment = randomInt(20, 700);
      const stages = new Map<string, Stage>();
      {
        await using client = openClient(on.daemon.address);
        const lives = Array.from({ length: atOnce }, (_, i) => live(client, `r${round}-${i}`, stages).catch(() => {}));
        await wait(moment);
        await on.daemon.kill('SIGKILL');
        await Promise.all(lives);
      }
      // The next one does not get far either, every other time.
      for (let i = 0; i < (round % 2) * 3; i++) {
        on.daemon.spawn();
        await wait(randomInt(5, 90));
        await on.daemon.kill('SIGKILL');
      }
      await on.daemon.start();
      const what = `round ${round}, killed after ${moment} ms`;
      const states = await statesOf(on.client, [...stages.keys()]);
      for (const [id, stage] of stages)
        expect([what, id, stage, allowed[stage].includes(states.get(id) ?? '')]).toEqual([what, id, stage, true]);
      for (const id of stages.keys()) await remove(on.client, id);
      expect([what, ...(await leftBehind(on.daemon, on.client, on.scope))]).toEqual([what]);
      expect(taskDescriptors(on.daemon)).toEqual([]);
    }
    expect(descriptors()).toBeLessThanOrEqual(usualDescriptors + 5);
  },
  { timeout: 120_000 + rounds * 30_000 },
);

/** What a task may be found as when its client had heard of nothing later; the next step may have been done unheard. */
const allowed: Readonly<Record<Stage, readonly string[]>> = {
  none: ['', 'created'],
  made: ['', 'created'],
  created: ['created', 'running'],
  running: ['running', 'stopped'],
  ended: ['stopped', ''],
  deleted: [''],
};

async function live(client: Client, id: string, stages: Map<string, Stage>): Promise<void> {
  const { scope, top } = on;
  stages.set(id, 'none');
  const container = await makeContainer(client, scope, id, { top, args: ['/bin/sleep', '1000'] });
  stages.set(id, 'made');
  await createTask(client, scope, container, nullIo().stdio);
  stages.set(id, 'created');
  await client.tasks.start(scope, id, '');
  stages.set(id, 'running');
  for (let i = 0; i < 2; i++) {
    await execIn(client, scope, id, `e${i}`, ['/bin/true']);
    expect((await client.tasks.wait(scope, id, `e${i}`)).exitStatus).toBe(0);
    await client.tasks.deleteProcess(scope, id, `e${i}`);
  }
  await client.tasks.kill(scope, id, sigkill);
  await client.tasks.wait(scope, id, '');
  stages.set(id, 'ended');
  await client.tasks.delete(scope, id);
  stages.set(id, 'deleted');
}

/** Of each container that has a task its state. */
async function statesOf(client: Client, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const listed = await client.tasks.list(on.scope);
  const found = new Map(listed.map(({ id, status }) => [id, status as string]));
  for (const id of found.keys()) expect(ids).toContain(id);
  return found;
}

async function remove(client: Client, id: string): Promise<void> {
  const { scope } = on;
  if ((await faultOf(client.tasks.state(scope, id, ''))) === 'none') {
    await client.tasks.kill(scope, id, sigkill).catch(() => {}); // it may have ended
    await client.tasks.wait(scope, id, '');
    await client.tasks.delete(scope, id);
  }
  if ((await faultOf(client.containers.get(scope, id))) === 'none') await removeContainer(client, scope, id);
  // Cut short before it had a record: its lease, which the dead client's work was under, still holds the snapshot.
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  if ((await faultOf(snapshotter.stat(scope, id))) === 'none') await snapshotter.remove(scope, id);
  for (const { id: lease } of await client.leases.list(scope)) await client.leases.delete(scope, lease);
}

const descriptors = () => readdirSync(`/proc/${on.daemon.pid}/fd`).length;
