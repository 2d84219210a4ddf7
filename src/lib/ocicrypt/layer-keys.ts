import { type KeyObject, randomBytes } from 'node:crypto';
import { fault, invalidArgument, notImplemented, wrap } from '#base/errors';
import type { Digest } from '../digest.ts';
import { parseBoundedJson } from '../oci/bounded-json.ts';
import { Fields } from '../oci/fields.ts';
import { decryptJwe, encryptJwe, usualAttempts } from './jwe.ts';
import { keyBytes, type LayerKey, layerCipher, nonceBytes } from './layer-cipher.ts';

export type Annotations = Readonly<Record<string, string>>;

const prefix = 'org.opencontainers.image.enc.';
const keysPrefix = `${prefix}keys.`;
const jweName = `${keysPrefix}jwe`;
const publicName = `${prefix}pubopts`;
const limits = { maxBytes: 64 << 10, maxDepth: 8 };
/** Of one annotation: many recipients have room, and nobody's memory is in danger. */
const maxAnnotation = 2 << 20;
const maxWrapped = 64;

/** What is needed to decrypt a layer. */
export interface LayerSecrets extends LayerKey {
  readonly hmac: Uint8Array;
  /** Of the layer as it was before; absent where the program that encrypted it did not note it. */
  readonly plainDigest?: string;
}

export const newLayerKey = (): LayerKey => ({ key: randomBytes(keyBytes), nonce: randomBytes(nonceBytes) });

export const isEncryptionAnnotation = (name: string): boolean => name.startsWith(prefix);

/** The annotations of a layer that is encrypted with these secrets, for whoever has one of the keys. */
export function sealLayer(
  secrets: LayerSecrets & { readonly plainDigest: string },
  recipients: readonly KeyObject[],
): Annotations {
  const open = { cipher: layerCipher, hmac: base64(secrets.hmac), cipheroptions: {} };
  return { ...sealKeys(secrets, recipients), [publicName]: base64(Buffer.from(JSON.stringify(open))) };
}

/** The same for a layer that is encrypted already: further recipients beside those that it has. */
export function addRecipients(
  annotations: Annotations,
  secrets: LayerSecrets,
  recipients: readonly KeyObject[],
): Annotations {
  const known = annotations[jweName] ?? '';
  const { [jweName]: added = '' } = sealKeys(secrets, recipients);
  return { ...annotations, [jweName]: known === '' ? added : `${known},${added}` };
}

/**
 * Opens a layer's secrets with the first key that fits.
 * @throws permission_denied when none does; not_implemented for a layer that is for keys of another kind only, or of another cipher; invalid_argument
 */
export function openLayer(annotations: Annotations, digest: Digest | string, keys: readonly KeyObject[]): LayerSecrets {
  try {
    const { cipher, hmac } = publicOptions(annotations);
    if (cipher !== layerCipher) throw notImplemented(`cipher ${JSON.stringify(cipher.slice(0, 64))}`);
    return { ...privateOptions(annotations, keys), hmac };
  } catch (thrown) {
    throw wrap(thrown, `layer ${digest}`);
  }
}

function sealKeys(
  secrets: LayerKey & { readonly plainDigest?: string },
  recipients: readonly KeyObject[],
): Annotations {
  const closed = {
    symkey: base64(secrets.key),
    digest: secrets.plainDigest ?? '',
    cipheroptions: { nonce: base64(secrets.nonce) },
  };
  return { [jweName]: base64(Buffer.from(encryptJwe(Buffer.from(JSON.stringify(closed)), recipients))) };
}

function publicOptions(annotations: Annotations) {
  const text = annotations[publicName];
  if (text === undefined) throw invalidArgument(`annotation ${publicName}: missing`);
  const bytes = Buffer.from(bounded(publicName, text), 'base64');
  return within(publicName, () => {
    const fields = new Fields(parseBoundedJson(bytes, limits), 'options');
    return { cipher: fields.requiredText('cipher'), hmac: Buffer.from(fields.requiredText('hmac'), 'base64') };
  });
}

function privateOptions(annotations: Annotations, keys: readonly KeyObject[]): LayerKey & { plainDigest?: string } {
  const text = annotations[jweName];
  if (text === undefined) {
    const others = Object.keys(annotations).filter((name) => name.startsWith(keysPrefix));
    if (others.length === 0) throw invalidArgument(`annotation ${jweName}: missing`);
    const kinds = others.map((name) => name.slice(keysPrefix.length, keysPrefix.length + 32)).join(', ');
    throw notImplemented(`encrypted for keys of the kind ${kinds} only; jwe is what can be decrypted here`);
  }
  const wrapped = bounded(jweName, text).split(',');
  if (wrapped.length > maxWrapped) throw invalidArgument(`annotation ${jweName}: more than ${maxWrapped} parts`);
  const attempts = usualAttempts();
  for (const part of wrapped) {
    const plain = within(jweName, () => decryptJwe(Buffer.from(part, 'base64'), keys, attempts));
    if (plain !== undefined) return secretsIn(plain);
  }
  throw fault('permission_denied', 'missing private key needed for decryption');
}

/** Errors here must not quote: what is read are keys. */
function secretsIn(plain: Buffer): LayerKey & { plainDigest?: string } {
  try {
    const fields = new Fields(parseBoundedJson(plain, limits), 'secrets');
    const key = Buffer.from(fields.requiredText('symkey'), 'base64');
    const nonce = Buffer.from(fields.object('cipheroptions')?.requiredText('nonce') ?? '', 'base64');
    const plainDigest = fields.text('digest') ?? '';
    if (key.length === keyBytes && nonce.length === nonceBytes)
      return { key, nonce, ...(plainDigest !== '' && { plainDigest }) };
  } catch {
    // Told below.
  }
  throw invalidArgument('the decrypted key is malformed');
}

/** Errors say which annotation it is. */
function within<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw wrap(thrown, `annotation ${name}`);
  }
}

function bounded(name: string, text: string): string {
  if (text.length > maxAnnotation)
    throw invalidArgument(`annotation ${name}: ${text.length} bytes, at most ${maxAnnotation}`);
  return text;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
