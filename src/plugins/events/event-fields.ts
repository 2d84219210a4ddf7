import { type DescField, type DescMessage, fromBinary, type Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { file_events_container } from '#api/events/container_pb';
import { file_events_content } from '#api/events/content_pb';
import { file_events_image } from '#api/events/image_pb';
import { file_events_namespace } from '#api/events/namespace_pb';
import { file_events_sandbox } from '#api/events/sandbox_pb';
import { file_events_snapshot } from '#api/events/snapshot_pb';
import { file_events_task } from '#api/events/task_pb';
import type { Any } from '#base/any';
import { absent, type Field, field, mapField } from '#lib/filters/filter';

const kinds: ReadonlyMap<string, DescMessage> = new Map(
  [
    file_events_container,
    file_events_content,
    file_events_image,
    file_events_namespace,
    file_events_sandbox,
    file_events_snapshot,
    file_events_task,
  ]
    .flatMap(({ messages }) => messages)
    .map((desc) => [desc.typeName, desc]),
);

/** Looks into an event by field names, as filters do (`container_id`, `labels.a.b`); decodes it once, and only if asked. */
export function eventFields(event: Any): (path: readonly string[]) => Field {
  let decoded: { readonly desc: DescMessage; readonly message: Message } | undefined | null = null;
  return (path) => {
    if (decoded === null) decoded = decode(event);
    return decoded === undefined ? absent : look(decoded.desc, decoded.message, path);
  };
}

function decode({ typeUrl, value }: Any): { readonly desc: DescMessage; readonly message: Message } | undefined {
  const desc = kinds.get(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  if (desc === undefined) return undefined;
  try {
    return { desc, message: fromBinary(desc, value) };
  } catch {
    return undefined; // whoever published it may publish what he likes; it has no fields that a filter could name
  }
}

function look(desc: DescMessage, message: Message, [name, ...rest]: readonly string[]): Field {
  const known: DescField | undefined = desc.fields.find((each) => each.name === name);
  if (known === undefined) return absent;
  const value = (message as unknown as Readonly<Record<string, unknown>>)[known.localName];
  if (known.fieldKind === 'map') return mapField(rest, value as Readonly<Record<string, string>>);
  if (known.fieldKind === 'message') {
    return value === undefined || value === null
      ? absent
      : look(known.message, reflect(known.message, value as Message).message, rest);
  }
  if (known.fieldKind !== 'scalar' || rest.length > 0) return absent;
  return typeof value === 'string' ? field(value) : absent;
}
