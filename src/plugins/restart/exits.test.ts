import { expect, test } from 'bun:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { TaskExitSchema } from '#api/events/task_pb';
import { silent } from '#base/log';
import { EventExchange } from '#plugins/events/exchange';
import { ends, hearing, Waits } from './exits.ts';

const one = { namespace: 'ns', id: 'c' };

test('who hardly runs waits twice as long each time, up to the longest wait', () => {
  const waits = new Waits(1_000);
  let at = 0;
  const seen = Array.from({ length: 6 }, () => {
    const waitMs = waits.after(one, at);
    at += waitMs + 50;
    return waitMs;
  });
  expect(seen).toEqual([100, 200, 400, 800, 1000, 1000]);
});

test('who has run for a while begins anew, and is forgotten', () => {
  const waits = new Waits(60_000);
  expect(waits.after(one, 0)).toBe(100);
  expect(waits.after(one, 1_000)).toBe(200);
  expect(waits.after(one, 20_000)).toBe(100);
  waits.after({ namespace: 'ns', id: 'd' }, 40_000);
  expect(waits.size).toBe(1);
});

test('what others publish under the topic of ends is passed over', async () => {
  using events = new EventExchange(silent);
  const stop = new AbortController();
  const found = ends(events, stop.signal);
  const first = found.next();
  const exit = (id: string) => toBinary(TaskExitSchema, create(TaskExitSchema, { containerId: 'c', id, pid: 1 }));
  const typeUrl = TaskExitSchema.typeName;
  await events.publish('ns', '/tasks/exit', { typeUrl, value: Uint8Array.of(0x0a, 0xff) });
  await events.publish('ns', '/tasks/exit', { typeUrl: 'other', value: exit('c') });
  await events.publish('ns', '/tasks/exit', { typeUrl, value: exit('exec') });
  await events.publish('ns', '/tasks/exit', { typeUrl, value: exit('c') });
  expect((await first).value).toEqual({ namespace: 'ns', id: 'c' });
  stop.abort();
});

test('who was cut off listens again, until he is told to stop or there is nothing more', async () => {
  const never = new AbortController().signal;
  let times = 0;
  const listen = async () => {
    times++;
    if (times < 3) throw new Error('too much is waiting');
  };
  await hearing(1, never, silent, listen);
  expect(times).toBe(3);
  const stop = new AbortController();
  await hearing(60_000, stop.signal, silent, async () => {
    times++;
    queueMicrotask(() => stop.abort());
    throw new Error('stopped');
  });
  expect(times).toBe(4);
});
