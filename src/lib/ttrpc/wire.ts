import { invalidArgument } from '#base/errors';

/** One field of a protobuf message: a number for wire type 0, bytes for type 2. Other types are read over. */
export type WireField =
  | { readonly number: number; readonly varint: bigint; readonly bytes?: undefined }
  | { readonly number: number; readonly bytes: Uint8Array; readonly varint?: undefined };

/**
 * The fields of a protobuf message, one after the other; bytes are views. Takes time linear in the message.
 *
 * @throws invalid_argument where the message is cut short or malformed.
 */
export function* readFields(message: Uint8Array): Generator<WireField> {
  let at = 0;
  while (at < message.length) {
    const tag = readVarint(message, at);
    at = tag.end;
    const number = Number(tag.value >> 3n);
    if (number === 0 || number > 0x1fffffff) throw malformed('field number');
    const type = Number(tag.value & 7n);
    if (type === 0) {
      const varint = readVarint(message, at);
      at = varint.end;
      yield { number, varint: varint.value };
    } else if (type === 2) {
      const length = readVarint(message, at);
      if (length.value > BigInt(message.length - length.end)) throw malformed('length');
      at = length.end + Number(length.value);
      yield { number, bytes: message.subarray(length.end, at) };
    } else if (type === 1 || type === 5) {
      at += type === 1 ? 8 : 4;
      if (at > message.length) throw malformed('length');
    } else throw malformed('wire type');
  }
}

/** Puts a protobuf message together. Empty and zero fields are left out, as proto3 has it. */
export class WireWriter {
  readonly #parts: Uint8Array[] = [];

  varint(number: number, value: bigint): this {
    if (value !== 0n) this.#parts.push(encodeVarint(BigInt(number << 3)), encodeVarint(BigInt.asUintN(64, value)));
    return this;
  }

  text(number: number, value: string): this {
    return value === '' ? this : this.message(number, Buffer.from(value));
  }

  bytes(number: number, value: Uint8Array): this {
    return value.length === 0 ? this : this.message(number, value);
  }

  /** A part that is there even when it is empty. */
  message(number: number, value: Uint8Array): this {
    this.#parts.push(encodeVarint(BigInt((number << 3) | 2)), encodeVarint(BigInt(value.length)), value);
    return this;
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

const maxVarintLength = 10;

function readVarint(message: Uint8Array, from: number): { readonly value: bigint; readonly end: number } {
  let value = 0n;
  for (let i = 0; i < maxVarintLength; i++) {
    const byte = message[from + i];
    if (byte === undefined) throw malformed('end');
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: from + i + 1 };
  }
  throw malformed('varint');
}

function encodeVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const malformed = (what: string) => invalidArgument(`malformed protobuf message: bad ${what}`);
