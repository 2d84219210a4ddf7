import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { invalidArgument } from '#base/errors';

/** More than any key has. */
export const maxKeyBytes = 1 << 20;

/**
 * Reads a public key: PEM (also a certificate's), DER or a JSON web key; of a private one, the public half.
 * @throws invalid_argument, without a word of what the bytes hold
 */
export function parsePublicKey(bytes: Uint8Array, name: string): KeyObject {
  const key = firstThat(publicReaders, bytes);
  if (key === undefined) throw invalidArgument(`${name}: no public key that can be read`);
  return usable(key, name);
}

/**
 * Reads a private key: PEM, DER or a JSON web key; an encrypted one with its password.
 * @throws invalid_argument, without a word of what the bytes hold
 */
export function parsePrivateKey(bytes: Uint8Array, name: string, password?: Uint8Array): KeyObject {
  const readers: readonly Reader[] = [
    (key) => createPrivateKey({ key, ...(password !== undefined && { passphrase: Buffer.from(password) }) }),
    ...privateReaders,
  ];
  const key = firstThat(readers, bytes);
  if (key !== undefined) return usable(key, name);
  const locked = /ENCRYPTED/.test(Buffer.from(bytes.subarray(0, maxKeyBytes)).toString('latin1'));
  if (locked && password === undefined) throw invalidArgument(`${name}: the private key needs a password`);
  throw invalidArgument(
    `${name}: ${locked ? 'wrong password for the private key' : 'no private key that can be read'}`,
  );
}

type Reader = (bytes: Buffer) => KeyObject;

const webKey = (bytes: Buffer) => JSON.parse(bytes.toString('utf8')) as Record<string, string>;

const publicReaders: readonly Reader[] = [
  (key) => createPublicKey(key),
  (key) => createPublicKey({ key, format: 'der', type: 'spki' }),
  (key) => createPublicKey({ key, format: 'der', type: 'pkcs1' }),
  (key) => createPublicKey({ key: webKey(key), format: 'jwk' }),
];

const privateReaders: readonly Reader[] = [
  (key) => createPrivateKey({ key, format: 'der', type: 'pkcs8' }),
  (key) => createPrivateKey({ key, format: 'der', type: 'pkcs1' }),
  (key) => createPrivateKey({ key, format: 'der', type: 'sec1' }),
  (key) => createPrivateKey({ key: webKey(key), format: 'jwk' }),
];

function firstThat(readers: readonly Reader[], bytes: Uint8Array): KeyObject | undefined {
  if (bytes.length === 0 || bytes.length > maxKeyBytes) return undefined;
  for (const read of readers) {
    try {
      return read(Buffer.from(bytes));
    } catch {
      // Another form of key; what the readers say may quote it.
    }
  }
  return undefined;
}

/** Keys that a JWE can be for. */
function usable(key: KeyObject, name: string): KeyObject {
  const { asymmetricKeyType } = key;
  if (asymmetricKeyType === 'rsa' || asymmetricKeyType === 'ec') return key;
  throw invalidArgument(`${name}: a key of type ${asymmetricKeyType}, wanted RSA or EC`);
}
