import { expect, test } from 'bun:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { ContainerCreateSchema } from '#api/events/container_pb';
import { SandboxCreateSchema, SandboxExitSchema } from '#api/events/sandbox_pb';
import { TaskCreateSchema, TaskExitSchema } from '#api/events/task_pb';
import type { Any } from '#base/any';
import { createLog, silent } from '#base/log';
import type { Envelope } from '#core/events/events';
import { faultOf } from '#core/subject';
import { EventExchange } from './exchange.ts';
import { Missed } from './missed.ts';

const exit = (containerId: string): Any => ({
  typeUrl: 'containerd.events.TaskExit',
  value: toBinary(TaskExitSchema, create(TaskExitSchema, { containerId, id: 'x', pid: 3 })),
});
const nothing: Any = { typeUrl: 'x', value: new Uint8Array() };

/** Publishes these, ends the subscription, and tells what it had. */
async function heard(
  filters: readonly string[],
  publish: (exchange: EventExchange) => Promise<void>,
): Promise<readonly string[]> {
  const exchange = new EventExchange(silent);
  const stop = new AbortController();
  const subscription = exchange.subscribe(stop.signal, filters);
  await publish(exchange);
  stop.abort();
  const topics: string[] = [];
  for await (const { namespace, topic } of subscription) topics.push(`${namespace}${topic}`);
  expect(exchange.subscribers).toBe(0);
  return topics;
}

async function some(exchange: EventExchange): Promise<void> {
  await exchange.publish('moby', '/tasks/exit', exit('c1'));
  await exchange.publish('default', '/tasks/exit', exit('c2'));
  await exchange.publish('moby', '/images/create', nothing);
  const value = toBinary(
    ContainerCreateSchema,
    create(ContainerCreateSchema, { id: 'c1', image: 'i', runtime: { name: 'io.containerd.runc.v2' } }),
  );
  await exchange.publish('moby', '/containers/create', {
    typeUrl: 'type.googleapis.com/containerd.events.ContainerCreate',
    value,
  });
}

test('a subscription hears all namespaces, from the moment of the call, in order', async () => {
  expect(await heard([], some)).toEqual([
    'moby/tasks/exit',
    'default/tasks/exit',
    'moby/images/create',
    'moby/containers/create',
  ]);
});

test('filters name namespace, topic and the fields of the event; several are alternatives', async () => {
  expect(await heard(['namespace==moby,topic~=|^/tasks/|'], some)).toEqual(['moby/tasks/exit']);
  expect(await heard(['event.container_id==c2'], some)).toEqual(['default/tasks/exit']);
  expect(await heard(['event.runtime.name~="runc"'], some)).toEqual(['moby/containers/create']);
  expect(await heard(['topic=="/images/create"', 'event.container_id==c1'], some)).toEqual([
    'moby/tasks/exit',
    'moby/images/create',
  ]);
  expect(await heard(['event.nothing', 'nonsense==1'], some)).toEqual([]);
});

test('an event that is not what its type says has no fields, and harms nobody', async () => {
  const broken: Any = { typeUrl: 'containerd.events.TaskExit', value: new Uint8Array([0xff, 0xff, 0xff]) };
  expect(await heard(['event.container_id==c1'], (exchange) => exchange.publish('a', '/t', broken))).toEqual([]);
  expect(await heard(['topic=="/t"'], (exchange) => exchange.publish('a', '/t', broken))).toEqual(['a/t']);
});

test('a forwarded event keeps its time, its namespace and its payload byte for byte', async () => {
  const exchange = new EventExchange(silent);
  const subscription = exchange.subscribe(new AbortController().signal);
  const envelope: Envelope = { timestamp: { seconds: 5, nanos: 7 }, namespace: 'ns', topic: '/a/b', event: exit('c') };
  await exchange.forward(envelope);
  for await (const got of subscription) {
    expect(got).toEqual(envelope);
    break;
  }
  expect(exchange.subscribers).toBe(0);
});

test.each(['', 'a', '/', '//', '/a/', '/a//b', '/a b', '/ä', `/${'x'.repeat(77)}`])(
  'the topic %p is refused',
  async (topic) => {
    expect(await faultOf(new EventExchange(silent).publish('ns', topic, nothing))).toBe('invalid_argument');
  },
);

test('a malformed namespace and a malformed filter are refused', async () => {
  const exchange = new EventExchange(silent);
  expect(await faultOf(exchange.publish('a b', '/a', nothing))).toBe('invalid_argument');
  expect(await faultOf(exchange.publish('', '/a', nothing))).toBe('invalid_argument');
  expect(() => exchange.subscribe(new AbortController().signal, ['a==='])).toThrow('invalid argument');
  expect(exchange.subscribers).toBe(0);
});

test('a slow reader has its events later, all of them, and is told of in the log', async () => {
  const lines: string[] = [];
  const exchange = new EventExchange(createLog({ level: 'warn', format: 'text', write: (line) => lines.push(line) }));
  const stop = new AbortController();
  const slow = exchange.subscribe(stop.signal);
  for (let i = 0; i < 10_000; i++) await exchange.publish('ns', `/n/${i}`, nothing);
  expect(exchange.waiting).toBe(10_000);
  stop.abort();
  let next = 0;
  for await (const { topic } of slow) expect(topic).toBe(`/n/${next++}`);
  expect(next).toBe(10_000);
  expect(lines.map((line) => line.match(/waiting=(\d+)/)?.[1])).toEqual(['4096', '8192']);
});

test('a subscriber that never reads is cut off, by number and by size, keeps nothing, and is told when he looks', async () => {
  const large: Any = { typeUrl: 'x', value: new Uint8Array(4 << 20) };
  for (const [event, count] of [
    [nothing, 65_537],
    [large, 17],
  ] as const) {
    const exchange = new EventExchange(silent);
    const stop = new AbortController();
    const dead = exchange.subscribe(stop.signal)[Symbol.asyncIterator]();
    const alive = exchange.subscribe(stop.signal)[Symbol.asyncIterator]();
    for (let i = 0; i < count; i++) {
      await exchange.publish('default', '/a', event);
      expect((await alive.next()).value?.topic).toBe('/a');
      if (i < count - 1) expect(exchange.subscribers).toBe(2);
    }
    expect([exchange.subscribers, exchange.waiting]).toEqual([1, 0]);
    expect(await faultOf(dead.next())).toBe('resource_exhausted');
    stop.abort();
  }
});

test('a waiting reader is woken by an event, by its signal, and by the end of the exchange', async () => {
  const exchange = new EventExchange(silent);
  const stop = new AbortController();
  const first = exchange.subscribe(stop.signal)[Symbol.asyncIterator]();
  const second = exchange.subscribe(new AbortController().signal)[Symbol.asyncIterator]();
  const woken = first.next();
  await exchange.publish('ns', '/a', nothing);
  expect((await woken).value).toMatchObject({ topic: '/a' });
  const ended = first.next();
  stop.abort();
  expect((await ended).done).toBe(true);
  await second.next();
  const closed = second.next();
  exchange[Symbol.dispose]();
  expect((await closed).done).toBe(true);
});

/** What a subscription begins with. */
async function firstTopics(exchange: EventExchange, filters: readonly string[] = []): Promise<readonly string[]> {
  const stop = new AbortController();
  const subscription = exchange.subscribe(stop.signal, filters);
  stop.abort();
  const all: string[] = [];
  for await (const { namespace, topic } of subscription) all.push(`${namespace}${topic}`);
  return all;
}

test("in the daemon's first seconds a subscription begins with what containers of its earlier life had to tell", async () => {
  let time = 0;
  const exchange = new EventExchange(silent, new Missed(() => time));
  const topics = (filters: readonly string[] = []) => firstTopics(exchange, filters);
  const made = toBinary(TaskCreateSchema, create(TaskCreateSchema, { containerId: 'new' }));
  await exchange.publish('ns', '/tasks/create', { typeUrl: TaskCreateSchema.typeName, value: made });
  await exchange.publish('ns', '/tasks/exit', exit('new'));
  await exchange.publish('ns', '/tasks/exit', exit('old'));
  await exchange.publish('other', '/tasks/exit', exit('new'));
  await exchange.publish('ns', '/images/create', nothing);
  expect(await topics()).toEqual(['ns/tasks/exit', 'other/tasks/exit']);
  expect(await topics(['namespace==other'])).toEqual(['other/tasks/exit']);
  await exchange.publish('other', '/tasks/create', { typeUrl: TaskCreateSchema.typeName, value: made });
  expect(await topics()).toEqual(['ns/tasks/exit']);
  time = 15_000;
  expect(await topics()).toEqual([]);
  await exchange.publish('ns', '/tasks/exit', exit('old'));
  expect(await topics()).toEqual([]);
});

test('so it does with what sandboxes of that life had to tell', async () => {
  const exchange = new EventExchange(silent, new Missed(() => 0));
  const sandbox = (sandboxId: string) => ({
    typeUrl: SandboxExitSchema.typeName,
    value: toBinary(SandboxExitSchema, create(SandboxExitSchema, { sandboxId })),
  });
  const made = { ...sandbox('new'), typeUrl: SandboxCreateSchema.typeName };
  // A container may have the name of a sandbox.
  await exchange.publish('ns', '/tasks/exit', exit('new'));
  await exchange.publish('ns', '/sandboxes/exit', sandbox('new'));
  await exchange.publish('ns', '/sandboxes/exit', sandbox('old'));
  await exchange.publish('ns', '/sandboxes/create', made);
  expect(await firstTopics(exchange)).toEqual(['ns/tasks/exit', 'ns/sandboxes/exit']);
});
