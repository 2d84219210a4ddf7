import { expect, test } from 'bun:test';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Client, openClient } from '#client/client';
import { eventToJson } from '#client/event-json';
import type { Scope } from '#core/scope';
import { type BusyboxDaemon, startBusyboxDaemon, watchExits } from '#test/support/busybox-daemon';
import { execIn, removeContainer, runContainer } from '#test/support/containers';

const script = (text: string): readonly string[] => ['/bin/sh', '-c', text];
const clients = 8;
const containers = 64;

/** Topics of each container's events, until it is disposed; `exits` are the ids of the processes that ended. */
function watchTasks(client: Client): AsyncDisposable & {
  readonly topics: Map<string, string[]>;
  readonly exits: string[];
} {
  const cancel = new AbortController();
  const topics = new Map<string, string[]>();
  const exits: string[] = [];
  const reading = (async () => {
    for await (const { topic, event } of client.events.subscribe(cancel.signal, ['topic~="^/tasks/"'])) {
      const { container_id: container = '', id } = JSON.parse(eventToJson(event)) as Record<string, string>;
      topics.set(container, [...(topics.get(container) ?? []), topic.slice('/tasks/'.length)]);
      if (topic === '/tasks/exit' && id !== undefined) exits.push(id);
    }
  })();
  reading.catch(() => {}); // ends with its client
  return {
    topics,
    exits,
    [Symbol.asyncDispose]: async () => {
      cancel.abort();
      await reading.catch(() => {});
    },
  };
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds() && waited < 60_000; waited += 20) await wait(20);
}

/** Runs a container to its end; returns its exit code. */
async function live(client: Client, scope: Scope, id: string, top: string, args: readonly string[]): Promise<number> {
  await runContainer(client, scope, id, { top, args });
  const { exitStatus } = await client.tasks.wait(scope, id, '');
  await client.tasks.delete(scope, id);
  await removeContainer(client, scope, id);
  return exitStatus;
}

/** What the daemon has open, as the kernel shows it. */
const descriptors = ({ daemon }: BusyboxDaemon): readonly string[] => {
  const directory = `/proc/${daemon.pid}/fd`;
  return readdirSync(directory).map((fd) => {
    try {
      return readlinkSync(join(directory, fd));
    } catch {
      return 'closed meanwhile';
    }
  });
};

test(`${containers} containers of ${clients} clients: each has its four events in order and its own exit code, and nothing is left open`, async () => {
  await using on = await startBusyboxDaemon();
  const { scope, top, daemon } = on;
  await using watch = watchTasks(on.client);
  await live(on.client, scope, 'first', top, script('exit 0'));
  const before = descriptors(on);
  const codes = new Map<string, number>();
  let next = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      await using client = openClient(daemon.address);
      for (let n = next++; n < containers; n = next++)
        codes.set(`c${n}`, await live(client, scope, `c${n}`, top, script(`exit ${n}`)));
    }),
  );
  const names = Array.from({ length: containers }, (_, n) => `c${n}`);
  expect(names.map((name) => codes.get(name))).toEqual(names.map((_, n) => n));
  await eventually(() => names.every((name) => watch.topics.get(name)?.at(-1) === 'delete'));
  for (const name of names)
    expect([name, watch.topics.get(name)]).toEqual([name, ['create', 'start', 'exit', 'delete']]);
  await eventually(() => descriptors(on).length <= before.length);
  const now = descriptors(on);
  expect(now.length > before.length ? { before, now } : 'no more than before').toBe('no more than before');
}, 120_000);

test('thirty processes at once in one container: each has its exit code, and its end is told once', async () => {
  await using on = await startBusyboxDaemon();
  const { client, scope, top } = on;
  await using watch = watchTasks(client);
  await runContainer(client, scope, 'one', { top, args: ['/bin/sleep', '1000'] });
  const names = Array.from({ length: 30 }, (_, n) => `e${n}`);
  const codes = await Promise.all(
    names.map(async (name, n) => {
      await execIn(client, scope, 'one', name, script(`exit ${n + 1}`));
      const { exitStatus } = await client.tasks.wait(scope, 'one', name);
      await client.tasks.deleteProcess(scope, 'one', name);
      return exitStatus;
    }),
  );
  expect(codes).toEqual(names.map((_, n) => n + 1));
  await client.tasks.kill(scope, 'one', { execId: '', signal: 9, all: false });
  expect((await client.tasks.wait(scope, 'one', '')).exitStatus).toBe(137);
  await client.tasks.delete(scope, 'one');
  await removeContainer(client, scope, 'one');
  await eventually(() => watch.exits.includes('one'));
  expect(watch.exits.toSorted()).toEqual([...names, 'one'].toSorted());
}, 120_000);

test('a container that wants more memory than it may have: an event says so before its end, and it ends with 137', async () => {
  await using on = await startBusyboxDaemon();
  const { client, scope, top } = on;
  await using watch = watchTasks(client);
  const memory = { limit: 20 << 20, swap: 20 << 20 };
  await runContainer(client, scope, 'hog', {
    top,
    args: script('exec busybox tail -c 200m /dev/zero'),
    spec: (spec) => ({ ...spec, linux: { ...spec.linux, resources: { ...spec.linux?.resources, memory } } }),
  });
  expect((await client.tasks.wait(scope, 'hog', '')).exitStatus).toBe(137);
  await client.tasks.delete(scope, 'hog');
  await removeContainer(client, scope, 'hog');
  await eventually(() => watch.topics.get('hog')?.at(-1) === 'delete');
  expect(watch.topics.get('hog')).toEqual(['create', 'start', 'oom', 'exit', 'delete']);
}, 120_000);

test('what ended while the daemon was away is told to those who subscribe a second after its return, once', async () => {
  await using on = await startBusyboxDaemon();
  const { client, scope, top, daemon } = on;
  await runContainer(client, scope, 'short', { top, args: script('sleep 1; exit 42') });
  await runContainer(client, scope, 'long', { top, args: ['/bin/sleep', '1000'] });
  await daemon.kill('SIGKILL');
  await wait(1500);
  await daemon.start();
  await wait(1000);
  await using late = openClient(daemon.address);
  await using exits = watchExits(late);
  await eventually(() => exits.seen.length > 0);
  await wait(300);
  expect(exits.seen).toEqual(['short']);
  expect((await late.tasks.delete(scope, 'short')).exitStatus).toBe(42);
  await late.tasks.kill(scope, 'long', { execId: '', signal: 9, all: false });
  await late.tasks.wait(scope, 'long', '');
  await late.tasks.delete(scope, 'long');
  for (const id of ['short', 'long']) await removeContainer(late, scope, id);
  await eventually(() => exits.seen.length > 1);
  expect(exits.seen).toEqual(['short', 'long']);
}, 120_000);
