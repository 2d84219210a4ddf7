import type { Any as WireAny } from '@bufbuild/protobuf/wkt';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { StreamInitSchema, Streaming } from '#api/services/streaming/v1/streaming_pb';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import type { Scope } from '#core/scope';
import { pack, unpack } from '../any.ts';
import { defineService, type Service } from '../service.ts';
import { anyFromWire, anyToWire } from '../values.ts';
import type { StreamRegistry } from './registry.ts';

/** The streaming service: what clients open here, other services find in the registry. */
export function serveStreaming(registry: StreamRegistry): Service {
  return defineService(Streaming, { stream: (requests, { scope }) => serve(registry, scope, requests) });
}

async function* serve(
  registry: StreamRegistry,
  scope: Scope,
  requests: AsyncIterable<WireAny>,
): AsyncGenerator<WireAny> {
  const incoming = payloads(requests);
  const first = await incoming.next();
  const init = first.done ? undefined : unpack(StreamInitSchema, first.value);
  if (init === undefined || init.id === '') throw invalidArgument('first message must be a StreamInit with an id');
  using stream = registry.open(scope, init.id, incoming);
  yield anyToWire(pack(EmptySchema, {}));
  for await (const message of stream.outgoing()) yield anyToWire(message);
}

async function* payloads(messages: AsyncIterable<WireAny>): AsyncGenerator<Any> {
  for await (const message of messages) yield anyFromWire(message);
}
