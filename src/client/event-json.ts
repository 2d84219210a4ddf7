import { type DescField, type DescMessage, fromBinary, type Message } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { AnySchema, TimestampSchema, type Timestamp as WireTimestamp } from '@bufbuild/protobuf/wkt';
import * as containers from '#api/events/container_pb';
import * as content from '#api/events/content_pb';
import * as images from '#api/events/image_pb';
import * as namespaces from '#api/events/namespace_pb';
import * as sandboxes from '#api/events/sandbox_pb';
import * as snapshots from '#api/events/snapshot_pb';
import * as tasks from '#api/events/task_pb';
import type { Any } from '#base/any';
import { formatTimestamp } from '#base/timestamp';

const schemas = new Map<string, DescMessage>(
  [containers, content, images, namespaces, sandboxes, snapshots, tasks]
    .flatMap((module) => Object.values(module) as readonly unknown[])
    .filter(
      (value): value is DescMessage =>
        typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'message',
    )
    .map((schema) => [schema.typeName, schema]),
);

/**
 * An event's payload as one line of JSON, in the form that Go gives its messages: names as in the protocol, absent where empty,
 * payloads inside as type and base64. A type that is not known here, or bytes that are not of it, are printed in that last form too.
 */
export function eventToJson(event: Any): string {
  const schema = schemas.get(event.typeUrl.slice(event.typeUrl.lastIndexOf('/') + 1));
  const asItIs = { type_url: event.typeUrl, value: base64(event.value) };
  if (schema === undefined) return JSON.stringify(asItIs);
  try {
    return JSON.stringify(plain(reflect(schema, fromBinary(schema, event.value))));
  } catch {
    return JSON.stringify(asItIs); // whoever published it may publish what he likes; the next event is to be seen
  }
}

function plain(message: ReflectMessage): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const field of message.fields) if (message.isSet(field)) result[field.name] = plainField(message, field);
  return result;
}

function plainField(message: ReflectMessage, field: DescField): unknown {
  switch (field.fieldKind) {
    case 'message':
      return plainMessage(message.get(field));
    case 'list':
      return [...message.get(field)].map((item) =>
        field.listKind === 'message' ? plainMessage(item as ReflectMessage) : scalar(item),
      );
    case 'map':
      return Object.fromEntries(
        [...message.get(field)].map(([key, value]) => [
          String(key),
          field.mapKind === 'message' ? plainMessage(value as ReflectMessage) : scalar(value),
        ]),
      );
    default:
      return scalar(message.get(field));
  }
}

function plainMessage(inner: ReflectMessage): unknown {
  if (inner.desc.typeName === TimestampSchema.typeName) {
    const { seconds, nanos } = inner.message as WireTimestamp;
    return formatTimestamp({ seconds: Number(seconds), nanos }).replace(/\.?0*Z$/, 'Z');
  }
  if (inner.desc.typeName === AnySchema.typeName) {
    const { typeUrl, value } = inner.message as Message & { typeUrl: string; value: Uint8Array };
    return { type_url: typeUrl, value: base64(value) };
  }
  return plain(inner);
}

const scalar = (value: unknown): unknown =>
  typeof value === 'bigint' ? Number(value) : value instanceof Uint8Array ? base64(value) : value;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
