import { expect, test } from 'bun:test';
import { Events as EventsService } from '#api/services/events/v1/events_pb';
import type { Envelope, Events } from '#core/events/events';
import { faultOf } from '#core/subject';
import { clientOf } from '../grpc-client.ts';
import { inProcess } from '../in-process.ts';
import { remoteEvents } from './client.ts';
import { serveEvents } from './server.ts';

const event = { typeUrl: 'containerd.events.TaskExit', value: new Uint8Array([10, 1, 120]) };
const envelope: Envelope = { timestamp: { seconds: 5, nanos: 6 }, namespace: 'a', topic: '/tasks/exit', event };

/** A board on which a test pins one message for every subscriber. */
function board() {
  const seen: unknown[] = [];
  const events: Events = {
    publish: async (...told) => void seen.push(told),
    forward: async (told) => void seen.push(told),
    async *subscribe(signal, filters) {
      seen.push(filters);
      yield envelope;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      seen.push('unsubscribed');
    },
  };
  return { seen, events };
}

test('events are published and forwarded as they are', async () => {
  const { seen, events } = board();
  await using server = await inProcess([serveEvents(events)]);
  const remote = remoteEvents(server.transport);
  await remote.publish('ns', '/a/b', event);
  await remote.forward(envelope);
  expect(seen).toEqual([['ns', '/a/b', event], envelope]);
});

test('what is published without a namespace, or forwarded without a time, is refused', async () => {
  await using server = await inProcess([serveEvents(board().events)]);
  const client = clientOf(EventsService, server.transport);
  expect(await faultOf(client.publish({ topic: '/a', event }))).toBe('failed_precondition');
  expect(await faultOf(client.forward({}))).toBe('invalid_argument');
  expect(await faultOf(client.forward({ envelope: { namespace: 'a', topic: '/a', event } }))).toBe('invalid_argument');
  const yearOne = { seconds: -62135596800n, nanos: 0 };
  expect(await faultOf(client.forward({ envelope: { timestamp: yearOne, topic: '/a', event } }))).toBe(
    'invalid_argument',
  );
});

test('a subscriber gets events until it has had enough, and the board is told', async () => {
  const { seen, events } = board();
  await using server = await inProcess([serveEvents(events)]);
  const abort = new AbortController();
  const received: Envelope[] = [];
  for await (const each of remoteEvents(server.transport).subscribe(abort.signal, ['topic==/a', 'topic==/b'])) {
    received.push(each);
    abort.abort();
  }
  expect(received).toEqual([envelope]);
  const until = performance.now() + 60_000;
  while (seen.length < 2 && performance.now() < until) await Bun.sleep(5);
  expect(seen).toEqual([['topic==/a', 'topic==/b'], 'unsubscribed']);
});
