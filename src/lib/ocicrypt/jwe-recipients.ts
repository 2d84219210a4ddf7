import {
  constants,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto';
import type { Json } from '../oci/bounded-json.ts';
import { concatKdf, unwrapKey, wrapKey } from './key-wrap.ts';

/** A content key for one recipient: what its header says, and the key encrypted. */
export interface WrappedKey {
  readonly header: Readonly<Record<string, Json>>;
  readonly encryptedKey: Buffer;
}

const ecdhPrefix = 'ECDH-ES+A';
const oaepHashes: Readonly<Record<string, string>> = { 'RSA-OAEP': 'sha1', 'RSA-OAEP-256': 'sha256' };
const kekBytes: Readonly<Record<string, number>> = {
  'ECDH-ES+A128KW': 16,
  'ECDH-ES+A192KW': 24,
  'ECDH-ES+A256KW': 32,
};

/** Encrypts a content key for an RSA key (RSA-OAEP) or an EC key (ECDH-ES+A256KW). */
export function wrapFor(recipient: KeyObject, key: Uint8Array): WrappedKey {
  if (recipient.asymmetricKeyType === 'rsa') {
    const options = { key: recipient, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' };
    return { header: { alg: 'RSA-OAEP' }, encryptedKey: publicEncrypt(options, key) };
  }
  const alg = 'ECDH-ES+A256KW';
  const { crv = '' } = recipient.export({ format: 'jwk' });
  const own = generateKeyPairSync('ec', { namedCurve: crv });
  const kek = agree(own.privateKey, recipient, alg, none);
  const { kty = '', x = '', y = '' } = own.publicKey.export({ format: 'jwk' });
  return { header: { alg, epk: { kty, crv, x, y } }, encryptedKey: wrapKey(kek, key) };
}

/** The content key; `undefined` when it is not for this key, or damaged. */
export function unwrapWith(key: KeyObject, { header, encryptedKey }: WrappedKey): Buffer | undefined {
  const { alg } = header;
  if (typeof alg !== 'string') return undefined;
  const oaepHash = oaepHashes[alg];
  try {
    if (oaepHash !== undefined && key.asymmetricKeyType === 'rsa')
      return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, encryptedKey);
    if (!alg.startsWith(ecdhPrefix) || key.asymmetricKeyType !== 'ec') return undefined;
    const theirs = createPublicKey({ key: header.epk as Record<string, string>, format: 'jwk' });
    const parties = { apu: part(header.apu), apv: part(header.apv) };
    return unwrapKey(agree(key, theirs, alg, parties), encryptedKey);
  } catch {
    return undefined; // another curve, a point that is none, a key of another size: not for this key
  }
}

interface Parties {
  readonly apu: Uint8Array;
  readonly apv: Uint8Array;
}

const none: Parties = { apu: Buffer.alloc(0), apv: Buffer.alloc(0) };
const part = (value: Json | undefined): Buffer => Buffer.from(typeof value === 'string' ? value : '', 'base64url');

function agree(privateKey: KeyObject, publicKey: KeyObject, alg: string, parties: Parties): Buffer {
  const bytes = kekBytes[alg];
  if (bytes === undefined) throw new Error(`unknown algorithm ${alg}`);
  return concatKdf(diffieHellman({ privateKey, publicKey }), alg, bytes, parties);
}
