import { expect, test } from 'bun:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { ContainerCreateSchema } from '#api/events/container_pb';
import { TaskExitSchema } from '#api/events/task_pb';
import { eventToJson } from './event-json.ts';

test('an event reads as Go prints it: names of the protocol, nothing that is empty, times in RFC 3339', () => {
  const exit = create(TaskExitSchema, {
    containerId: 'c',
    id: 'c',
    pid: 7,
    exitedAt: { $typeName: 'google.protobuf.Timestamp', seconds: 1_700_000_000n, nanos: 5_000_000 },
  });
  expect(eventToJson({ typeUrl: 'containerd.events.TaskExit', value: toBinary(TaskExitSchema, exit) })).toBe(
    '{"container_id":"c","id":"c","pid":7,"exited_at":"2023-11-14T22:13:20.005Z"}',
  );
});

test('a payload inside an event is shown by type and base64', () => {
  const created = create(ContainerCreateSchema, {
    id: 'c',
    runtime: { name: 'r', options: { $typeName: 'google.protobuf.Any', typeUrl: 't', value: new Uint8Array([1, 2]) } },
  });
  expect(
    eventToJson({ typeUrl: 'x/containerd.events.ContainerCreate', value: toBinary(ContainerCreateSchema, created) }),
  ).toBe('{"id":"c","runtime":{"name":"r","options":{"type_url":"t","value":"AQI="}}}');
});

test('an event of an unknown type is shown raw', () => {
  expect(eventToJson({ typeUrl: 'nobody.Knows', value: new Uint8Array([255]) })).toBe(
    '{"type_url":"nobody.Knows","value":"/w=="}',
  );
});

test('what is not what its type says is printed as it is, a time beyond all calendars too', () => {
  for (const value of [Uint8Array.of(0x0a, 9), Buffer.from('2a0b08ffffffffffffffff7f', 'hex')])
    expect(JSON.parse(eventToJson({ typeUrl: 'containerd.events.TaskExit', value }))).toEqual({
      type_url: 'containerd.events.TaskExit',
      value: Buffer.from(value).toString('base64'),
    });
});
