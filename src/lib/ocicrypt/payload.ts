import { invalidArgument } from '#base/errors';
import { parseBoundedJson } from '../oci/bounded-json.ts';
import { type OciDescriptor, readDescriptor } from '../oci/descriptor.ts';
import { Fields } from '../oci/fields.ts';

/** The type under which a decoder is told what to decrypt, as imgcrypt has it. */
export const payloadType = 'io.containerd.ocicrypt.v1.Payload';

/** The stream processors that understand it. */
export const decoderIds: readonly string[] = [
  'io.containerd.ocicrypt.decoder.v1.tar',
  'io.containerd.ocicrypt.decoder.v1.tar.gzip',
  'io.containerd.ocicrypt.decoder.v1.tar.zstd',
];

/** A layer, and keys that whoever wants it decrypted has himself; others the decoder finds on its machine. */
export interface DecoderPayload {
  readonly descriptor: OciDescriptor;
  readonly keys: readonly { readonly key: Uint8Array; readonly password?: Uint8Array }[];
}

const maxKeys = 256;

export function encodePayload({ descriptor, keys }: DecoderPayload): Uint8Array {
  const base64 = (bytes: Uint8Array = new Uint8Array(0)) => Buffer.from(bytes).toString('base64');
  const parameters =
    keys.length === 0
      ? {}
      : {
          privkeys: keys.map(({ key }) => base64(key)),
          'privkeys-passwords': keys.map(({ password }) => base64(password)),
        };
  return Buffer.from(JSON.stringify({ DecryptConfig: { Parameters: parameters }, Descriptor: descriptor }));
}

/** @throws invalid_argument, without a word of the keys */
export function decodePayload(bytes: Uint8Array): DecoderPayload {
  const fields = new Fields(parseBoundedJson(bytes, { maxBytes: 64 << 20 }), 'payload');
  const descriptor = fields.object('Descriptor');
  if (descriptor === undefined) throw invalidArgument('payload: Descriptor: missing');
  const parameters = fields.object('DecryptConfig')?.object('Parameters');
  const listed = (name: string) =>
    (parameters?.texts(name, maxKeys) ?? []).map((text): Uint8Array => Buffer.from(text, 'base64'));
  const passwords = listed('privkeys-passwords');
  const keys = listed('privkeys').map((key, at) => {
    const password = passwords[at];
    return { key, ...(password !== undefined && password.length > 0 && { password }) };
  });
  return { descriptor: readDescriptor(descriptor), keys };
}
