import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { invalidArgument } from '#base/errors';
import { type Json, parseBoundedJson } from '../oci/bounded-json.ts';
import { Fields } from '../oci/fields.ts';
import { unwrapWith, type WrappedKey, wrapFor } from './jwe-recipients.ts';

const enc = 'A256GCM';
const gcm: Readonly<
  Record<string, { readonly cipher: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'; readonly bytes: number }>
> = {
  A128GCM: { cipher: 'aes-128-gcm', bytes: 16 },
  A192GCM: { cipher: 'aes-192-gcm', bytes: 24 },
  A256GCM: { cipher: 'aes-256-gcm', bytes: 32 },
};
const limits = { maxBytes: 1 << 20, maxDepth: 8 };
const maxRecipients = 256;
/** How often keys may be tried on recipients: each time costs about a millisecond. */
export interface Attempts {
  left: number;
}

/** For all that is said of one layer: whoever wrote it may not keep us for minutes. */
export const usualAttempts = (): Attempts => ({ left: 4096 });

/** Encrypts for whoever has one of the keys (RFC 7516, JSON serialization). */
export function encryptJwe(plain: Uint8Array, recipients: readonly KeyObject[]): string {
  const key = randomBytes(32);
  const iv = randomBytes(12);
  const wrapped = recipients.map((recipient) => wrapFor(recipient, key));
  const [only] = wrapped;
  const single = wrapped.length === 1 ? only : undefined;
  const header = encode(Buffer.from(JSON.stringify({ ...single?.header, enc })));
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(header));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  const keys =
    single !== undefined
      ? { encrypted_key: encode(single.encryptedKey) }
      : { recipients: wrapped.map((one) => ({ header: one.header, encrypted_key: encode(one.encryptedKey) })) };
  return JSON.stringify({
    protected: header,
    ...keys,
    iv: encode(iv),
    ciphertext: encode(ciphertext),
    tag: encode(cipher.getAuthTag()),
  });
}

/**
 * What was encrypted; `undefined` when it is for none of the keys. Takes recipients times keys of the attempts.
 * @throws invalid_argument for what is no JWE, is damaged, or uses what is not known here
 */
export function decryptJwe(
  bytes: Uint8Array,
  keys: readonly KeyObject[],
  attempts: Attempts = usualAttempts(),
): Buffer | undefined {
  const fields = new Fields(parseBoundedJson(bytes, limits), 'JWE');
  const guarded = fields.text('protected') ?? '';
  const shared = { ...headerOf(decode(guarded)), ...record(fields.object('unprotected')) };
  const listed = fields.objects('recipients', maxRecipients);
  const recipients = listed.length > 0 ? listed : [fields];
  attempts.left -= recipients.length * keys.length;
  if (attempts.left < 0)
    throw invalidArgument(`JWE: ${recipients.length} recipients are too many for ${keys.length} keys`);
  for (const recipient of recipients) {
    const header = { ...shared, ...record(recipient.object('header')) };
    if (header.crit !== undefined || header.zip !== undefined) throw invalidArgument('JWE: uses an extension');
    const wrapped: WrappedKey = { header, encryptedKey: decode(recipient.text('encrypted_key') ?? '') };
    for (const key of keys) {
      const contentKey = unwrapWith(key, wrapped);
      const plain = contentKey && open(fields, header, guarded, contentKey);
      if (plain !== undefined) return plain;
    }
  }
  return undefined;
}

/** With the right key it opens or is damaged. RSA gives a wrong key no way to be noticed but here. */
function open(fields: Fields, header: Header, guarded: string, key: Buffer): Buffer | undefined {
  const method = typeof header.enc === 'string' ? gcm[header.enc] : undefined;
  if (method === undefined)
    throw invalidArgument(`JWE: content encryption ${JSON.stringify(header.enc)?.slice(0, 40)}`);
  if (key.length !== method.bytes) return undefined;
  const iv = decode(fields.requiredText('iv'));
  const tag = decode(fields.requiredText('tag'));
  if (iv.length !== 12 || tag.length !== 16) throw invalidArgument('JWE: malformed initial vector or tag');
  const aad = fields.text('aad');
  try {
    const decipher = createDecipheriv(method.cipher, key, iv, { authTagLength: 16 })
      .setAAD(Buffer.from(aad === undefined || aad === '' ? guarded : `${guarded}.${aad}`))
      .setAuthTag(tag);
    return Buffer.concat([decipher.update(decode(fields.text('ciphertext') ?? '')), decipher.final()]);
  } catch (cause) {
    throw invalidArgument('JWE: damaged: its content is not what was encrypted', cause);
  }
}

type Header = Readonly<Record<string, Json>>;

function headerOf(bytes: Buffer): Header {
  return bytes.length === 0 ? {} : record(new Fields(parseBoundedJson(bytes, limits), 'JWE.protected'));
}

const record = (fields: Fields | undefined): Header => fields?.values ?? {};
const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const decode = (text: string): Buffer => Buffer.from(text, 'base64url');
