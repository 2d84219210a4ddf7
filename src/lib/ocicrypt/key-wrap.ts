import { createCipheriv, createDecipheriv, createHash, timingSafeEqual } from 'node:crypto';

const block = 8;
const rounds = 6;
const check = Buffer.alloc(block, 0xa6);

/** AES key wrap (RFC 3394) of a key whose length is a multiple of 8. */
export function wrapKey(kek: Uint8Array, key: Uint8Array): Buffer {
  const cipher = createCipheriv(ecb(kek), kek, null).setAutoPadding(false);
  const parts = [check, ...split(key)];
  const count = parts.length - 1;
  for (let step = 0; step < rounds * count; step++) {
    const at = (step % count) + 1;
    const mixed = cipher.update(Buffer.concat([parts[0] as Buffer, parts[at] as Buffer]));
    parts[0] = numbered(mixed.subarray(0, block), step + 1);
    parts[at] = mixed.subarray(block);
  }
  return Buffer.concat(parts);
}

/** The key again; `undefined` when it was wrapped with another, or is damaged. */
export function unwrapKey(kek: Uint8Array, wrapped: Uint8Array): Buffer | undefined {
  if (wrapped.length < 3 * block || wrapped.length % block !== 0 || wrapped.length > 128) return undefined;
  const cipher = createDecipheriv(ecb(kek), kek, null).setAutoPadding(false);
  const parts = split(wrapped);
  const count = parts.length - 1;
  for (let step = rounds * count - 1; step >= 0; step--) {
    const at = (step % count) + 1;
    const mixed = cipher.update(Buffer.concat([numbered(parts[0] as Buffer, step + 1), parts[at] as Buffer]));
    parts[0] = mixed.subarray(0, block);
    parts[at] = mixed.subarray(block);
  }
  return timingSafeEqual(parts[0] as Buffer, check) ? Buffer.concat(parts.slice(1)) : undefined;
}

/** The key that a Diffie-Hellman secret gives for an algorithm (RFC 7518 4.6.2), up to 32 bytes of it. */
export function concatKdf(
  secret: Uint8Array,
  algorithm: string,
  bytes: number,
  parties: { readonly apu: Uint8Array; readonly apv: Uint8Array },
): Buffer {
  const sized = (part: Uint8Array) => Buffer.concat([uint32(part.length), part]);
  const info = [sized(Buffer.from(algorithm)), sized(parties.apu), sized(parties.apv), uint32(bytes * 8)];
  return createHash('sha256')
    .update(Buffer.concat([uint32(1), secret, ...info]))
    .digest()
    .subarray(0, bytes);
}

const ecb = (kek: Uint8Array) => `aes-${kek.length * 8}-ecb`;

function split(bytes: Uint8Array): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += block) parts.push(Buffer.from(bytes.subarray(at, at + block)));
  return parts;
}

/** Its last four bytes with the step's number: more steps than those hold there are none. */
function numbered(bytes: Buffer, step: number): Buffer {
  const mixed = Buffer.from(bytes);
  mixed.writeUInt32BE((mixed.readUInt32BE(4) ^ step) >>> 0, 4);
  return mixed;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
