import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Largest message in either direction, containerd's own limit. */
export const maxMessageBytes = 16 << 20;

type Fields = Record<string, unknown>;

/**
 * The encoder of a message. A message with one plain field of type `bytes` (content, and what streams carry) is encoded as the rest of
 * the message followed by that field, whose bytes are copied once only: grpc-js asks for no more than
 * the length, and then has everything copied into the frame that it makes.
 */
export function encoderOf<D extends DescMessage>(desc: D): (message: MessageShape<D>) => Buffer {
  const bulk = desc.fields.filter((field) => field.fieldKind === 'scalar' && field.scalar === bytesType);
  const field = bulk.length === 1 ? bulk[0] : undefined;
  if (field === undefined || field.oneof !== undefined) return (message) => asBuffer(toBinary(desc, message));
  const tag = new BinaryWriter().tag(field.number, WireType.LengthDelimited).finish();
  return (message) => {
    const bytes = (message as Fields)[field.localName] as Uint8Array;
    if (bytes.byteLength < worthwhile) return asBuffer(toBinary(desc, message));
    const rest = Object.assign(Object.create(Object.getPrototypeOf(message)), message, { [field.localName]: empty });
    const head = new BinaryWriter().raw(toBinary(desc, rest)).raw(tag).uint32(bytes.byteLength).finish();
    return frame(head, bytes) as unknown as Buffer;
  };
}

/**
 * Several encoded messages as one for grpc-js, which writes a header and has the message copied behind it. That header becomes
 * the first message's; the others bring their own.
 */
export function joined(messages: readonly Encoded[]): Encoded {
  const [first] = messages;
  if (first === undefined || messages.length === 1) return first ?? Buffer.alloc(0);
  const byteLength = messages.reduce((sum, message) => sum + message.byteLength + headerBytes, -headerBytes);
  return {
    byteLength,
    length: byteLength,
    copy(target, start) {
      let at = start - headerBytes;
      for (const message of messages) {
        target[at] = 0; // not compressed
        new DataView(target.buffer, target.byteOffset + at + 1).setUint32(0, message.byteLength);
        message.copy(target, at + headerBytes);
        at += headerBytes + message.byteLength;
      }
    },
  };
}

/** What grpc-js uses of an encoded message. */
export interface Encoded {
  readonly byteLength: number;
  readonly length: number;
  copy(target: Uint8Array, start: number): unknown;
}

/** A flag and the length. */
const headerBytes = 5;

/** The decoder of a message. Fields of type `bytes` are views of what was received, not copies. @throws on anything but such a message */
export const decoderOf =
  <D extends DescMessage>(desc: D) =>
  (bytes: Uint8Array): MessageShape<D> =>
    fromBinary(desc, bytes);

const bytesType = 12;
const worthwhile = 4096;
const empty = new Uint8Array(0);

function frame(
  head: Uint8Array,
  tail: Uint8Array,
): Pick<Buffer, 'byteLength' | 'length'> & { copy(target: Uint8Array, at: number): void } {
  const byteLength = head.byteLength + tail.byteLength;
  return {
    byteLength,
    length: byteLength,
    copy(target, at) {
      target.set(head, at);
      target.set(tail, at + head.byteLength);
    },
  };
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
