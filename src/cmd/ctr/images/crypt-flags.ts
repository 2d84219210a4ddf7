import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { invalidArgument, notImplemented } from '#base/errors';
import { parsePrivateKey, parsePublicKey } from '#lib/ocicrypt/keys';
import { allPlatforms, anyPlatform, parsePlatform } from '#lib/platform';
import { list, text, type Values } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';

/** Flags of the commands that encrypt and decrypt images. */
export const cryptFlags = {
  layer: list('The layer to change, from 0; negative ones are counted from the top. All when not given'),
  platform: list('For which platform the image is to be changed. All that are here when not given'),
  key: list(
    'A private key file, with its password behind a colon: <file>[:<password>|:pass=<password>|:file=<file>|:fd=<number>]',
  ),
  'dec-recipient': list('Recipient of the image; used only for PKCS7 and must be an x509 certificate'),
  'gpg-homedir': text('The GPG homedir to use; by default gpg uses ~/.gnupg'),
  'gpg-version': text('The GPG version ("v1" or "v2"), default will make an educated guess'),
};

/** Further flags of the one that encrypts. */
export const recipientFlags = {
  recipient: list('Who is to be able to decrypt: jwe:<public key file>'),
};

type CryptValues = Values<typeof cryptFlags>;

/** What the flags say of layers, platforms and keys. @throws not_implemented for keys of other kinds; invalid_argument */
export async function cryptOptions(io: Io, flags: CryptValues) {
  if (flags['gpg-homedir'] !== '' || flags['gpg-version'] !== '')
    throw notImplemented('GPG keys: use jwe:<public key file>');
  if (flags['dec-recipient'].length > 0) throw notImplemented('--dec-recipient: PKCS7 keys: use jwe:<public key file>');
  const keys: KeyObject[] = [];
  for (const word of flags.key) keys.push(await privateKey(io, word));
  return {
    layers: flags.layer.map(layerNumber),
    platforms: flags.platform.length === 0 ? allPlatforms : anyPlatform(...flags.platform.map(parsePlatform)),
    keys,
  };
}

/** The public keys that `--recipient` names. @throws not_implemented for keys of other kinds; invalid_argument */
export async function recipientKeys(io: Io, words: readonly string[]): Promise<readonly KeyObject[]> {
  if (words.length === 0) throw invalidArgument('no recipients given: --recipient jwe:<public key file>');
  const keys: KeyObject[] = [];
  for (const word of words) {
    const colon = word.indexOf(':');
    const kind = colon < 0 ? '' : word.slice(0, colon);
    if (['pgp', 'pkcs7', 'pkcs11', 'provider'].includes(kind))
      throw notImplemented(`recipient of the kind ${kind}: use jwe:<public key file>`);
    if (kind !== 'jwe') throw invalidArgument(`recipient ${JSON.stringify(word)}: wanted jwe:<public key file>`);
    const path = resolve(io.cwd, word.slice(colon + 1));
    keys.push(parsePublicKey(await readFile(path), path));
  }
  return keys;
}

async function privateKey(io: Io, word: string): Promise<KeyObject> {
  const colon = word.indexOf(':');
  const file = colon < 0 ? word : word.slice(0, colon);
  const path = resolve(io.cwd, file);
  const password = colon < 0 ? undefined : await passwordOf(io, word.slice(colon + 1));
  return parsePrivateKey(await readFile(path), path, password);
}

async function passwordOf(io: Io, given: string): Promise<Uint8Array> {
  const [, how = '', value = ''] = /^(pass|file|filename|fd)=(.*)$/s.exec(given) ?? [];
  if (how === 'pass') return Buffer.from(value);
  if (how === 'file' || how === 'filename') return withoutNewline(await readFile(resolve(io.cwd, value)));
  if (how !== 'fd') return Buffer.from(given);
  const fd = Number(value);
  if (!/^\d{1,6}$/.test(value)) throw invalidArgument('key password: fd: wanted a number');
  return withoutNewline(readFileSync(fd));
}

const withoutNewline = (bytes: Buffer): Buffer => (bytes.at(-1) === 10 ? bytes.subarray(0, -1) : bytes);

function layerNumber(word: string): number {
  if (!/^-?\d{1,4}$/.test(word)) throw invalidArgument(`layer ${JSON.stringify(word)}: wanted a whole number`);
  return Number(word);
}
