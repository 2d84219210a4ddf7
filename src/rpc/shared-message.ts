import type { Encoded } from './codec.ts';

const encodings = new WeakMap<object, Encoded | undefined>();

/** Marks a message that goes to many and does not change any more: it is encoded for the first of them only. */
export function shareMessage<T extends object>(message: T): T {
  encodings.set(message, undefined);
  return message;
}

/** @internal Encodes a message, or takes what it was encoded to for somebody else. */
export function encodeOnce<T extends Encoded>(message: object, encode: (message: object) => T): T {
  if (!encodings.has(message)) return encode(message);
  const known = encodings.get(message) as T | undefined;
  if (known !== undefined) return known;
  const encoded = encode(message);
  encodings.set(message, encoded);
  return encoded;
}
