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
  if (field === undefined || field.oneof !== undefined) return carrierEncoder(desc) ?? plainEncoder(desc);
  const tag = new BinaryWriter().tag(field.number, WireType.LengthDelimited).finish();
  return (message) => {
    const bytes = (message as Fields)[field.localName] as Uint8Array;
    if (bytes.byteLength < worthwhile) return asBuffer(toBinary(desc, message));
    const rest = Object.assign(Object.create(Object.getPrototypeOf(message)), message, { [field.localName]: empty });
    const head = new BinaryWriter().raw(toBinary(desc, rest)).raw(tag).uint32(bytes.byteLength).finish();
    return frame(head, bytes) as unknown as Buffer;
  };
}

const plainEncoder =
  <D extends DescMessage>(desc: D) =>
  (message: MessageShape<D>): Buffer =>
    asBuffer(toBinary(desc, message));

/**
 * The encoder of a message that only carries another which has a `spec` (one container of a list): the large value goes last and
 * is copied once. Undefined for all other messages.
 */
function carrierEncoder<D extends DescMessage>(desc: D): ((message: MessageShape<D>) => Buffer) | undefined {
  const [outer] = desc.fields;
  if (outer?.fieldKind !== 'message' || desc.fields.length !== 1) return undefined;
  const spec = outer.message.fields.find(({ name }) => name === 'spec');
  if (spec?.fieldKind !== 'message' || spec.message.typeName !== 'google.protobuf.Any') return undefined;
  const plain = plainEncoder(desc);
  return (message) => {
    const inner = (message as Fields)[outer.localName] as MessageShape<DescMessage> | undefined;
    const any = (inner as Fields | undefined)?.[spec.localName] as AnyShape | undefined;
    if (inner === undefined || any === undefined || any.value.byteLength < worthwhile) return plain(message);
    const bare = Object.assign(Object.create(Object.getPrototypeOf(inner)), inner, { [spec.localName]: undefined });
    const rest = toBinary(outer.message, bare);
    const anyHead = new BinaryWriter();
    if (any.typeUrl !== '') anyHead.tag(1, WireType.LengthDelimited).string(any.typeUrl);
    const valueHead = anyHead.tag(2, WireType.LengthDelimited).uint32(any.value.byteLength).finish();
    const anyBytes = valueHead.byteLength + any.value.byteLength;
    const specHead = new BinaryWriter().tag(spec.number, WireType.LengthDelimited).uint32(anyBytes).finish();
    const head = new BinaryWriter()
      .tag(outer.number, WireType.LengthDelimited)
      .uint32(rest.byteLength + specHead.byteLength + anyBytes);
    return frame(head.raw(rest).raw(specHead).raw(valueHead).finish(), any.value) as unknown as Buffer;
  };
}

interface AnyShape {
  readonly typeUrl: string;
  readonly value: Uint8Array;
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
const worthwhile = 2048;
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
