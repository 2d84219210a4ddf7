import type { KeyObject } from 'node:crypto';
import { fstatSync, readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { invalidArgument } from '#base/errors';
import { isEncrypted } from '#lib/oci/media-types';
import { parsePrivateKey } from '#lib/ocicrypt/keys';
import { decryptLayer } from '#lib/ocicrypt/layer-cipher';
import { openLayer } from '#lib/ocicrypt/layer-keys';
import { type DecoderPayload, decodePayload, payloadType } from '#lib/ocicrypt/payload';
import type { Io } from '../cli/io.ts';
import { keysIn } from './keys-directory.ts';

export interface DecodeOptions {
  /** A directory with private keys; empty for none. */
  readonly keysPath: string;
  /** Where the payload is read. */
  readonly payloadFd?: number;
}

const maxPayload = 64 << 20;

/**
 * Decrypts what comes. What was written before an error is worth nothing: the exit code says so to whoever reads it.
 * @throws permission_denied without a key that fits; data_loss for a layer that is damaged or cut short; invalid_argument
 */
export async function decode(io: Io, { keysPath, payloadFd = 3 }: DecodeOptions): Promise<void> {
  const { descriptor, keys } = readPayload(payloadFd);
  if (!isEncrypted(descriptor.mediaType)) throw invalidArgument(`media type ${descriptor.mediaType}: not encrypted`);
  const given: KeyObject[] = keys.map(({ key, password }, at) => parsePrivateKey(key, `key ${at + 1}`, password));
  const all = [...given, ...(keysPath === '' ? [] : await keysIn(keysPath))];
  const secrets = openLayer(descriptor.annotations ?? {}, descriptor.digest, all);
  for await (const bytes of decryptLayer(io.stdin as AsyncIterable<Uint8Array>, secrets, secrets.hmac))
    await io.stdout.write(bytes);
}

function readPayload(fd: number): DecoderPayload {
  const { typeUrl, value } = unpackAny(payloadBytes(fd));
  const type = typeUrl.split('/').at(-1);
  if (type !== payloadType) throw invalidArgument(`payload: of type ${JSON.stringify(typeUrl.slice(0, 100))}`);
  return decodePayload(value);
}

function payloadBytes(fd: number): Uint8Array {
  let found: ReturnType<typeof fstatSync> | undefined;
  try {
    found = fstatSync(fd);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EBADF') throw thrown;
  }
  // Where nobody has given one, the number may be something of the program's own.
  if (found === undefined || !(found.isFile() || found.isFIFO()))
    throw invalidArgument('payload: nothing on descriptor 3: this program is for the daemon to start');
  const bytes = new Uint8Array(readFileSync(fd));
  if (bytes.length > maxPayload) throw invalidArgument('payload: too big');
  return bytes;
}

function unpackAny(bytes: Uint8Array) {
  try {
    return fromBinary(AnySchema, bytes);
  } catch {
    throw invalidArgument('payload: malformed'); // and may hold keys
  }
}
