import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';

/** A message as a payload. The type URL is the bare name, as containerd writes it. */
export function pack<D extends DescMessage>(desc: D, message: MessageInitShape<D>): Any {
  return { typeUrl: desc.typeName, value: toBinary(desc, create(desc, message)) };
}

/** The message in a payload, or nothing when it holds one of another type. @throws invalid_argument when it does not hold what it says */
export function unpack<D extends DescMessage>(desc: D, { typeUrl, value }: Any): MessageShape<D> | undefined {
  // Some writers put a host before the name; only what is behind the last slash counts.
  if (typeUrl.slice(typeUrl.lastIndexOf('/') + 1) !== desc.typeName) return undefined;
  try {
    return fromBinary(desc, value);
  } catch (thrown) {
    throw invalidArgument(`${desc.typeName}: malformed`, thrown);
  }
}
