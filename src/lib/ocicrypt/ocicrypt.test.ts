import { expect, test } from 'bun:test';
import { createCipheriv, createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { classOf, messageOf } from '#base/errors';
import { decryptJwe, encryptJwe } from './jwe.ts';
import { unwrapKey, wrapKey } from './key-wrap.ts';
import { parsePrivateKey, parsePublicKey } from './keys.ts';
import { decryptLayer, LayerEncryption } from './layer-cipher.ts';
import { type Annotations, addRecipients, newLayerKey, openLayer, sealLayer } from './layer-keys.ts';
import { decodePayload, encodePayload } from './payload.ts';

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const rsa: Pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger: Pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const curves: readonly Pair[] = ['P-256', 'P-384', 'P-521'].map((namedCurve) =>
  generateKeyPairSync('ec', { namedCurve }),
);
const digest = `sha256:${'0'.repeat(64)}`;
const jweName = 'org.opencontainers.image.enc.keys.jwe';
const pubName = 'org.opencontainers.image.enc.pubopts';

const wrongness = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (thrown) {
    return `${classOf(thrown)}: ${messageOf(thrown)}`;
  }
};

test('keys are wrapped as RFC 3394 says', () => {
  const kek = Buffer.from('000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F', 'hex');
  const key = Buffer.from('00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F', 'hex');
  const wrapped = wrapKey(kek, key);
  expect(wrapped.toString('hex')).toBe(
    '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
  );
  expect(unwrapKey(kek, wrapped)).toEqual(key);
  wrapped[5] = (wrapped[5] as number) ^ 1;
  expect(unwrapKey(kek, wrapped)).toBeUndefined();
});

test('a JWE is opened by each of its recipients, and by nobody else', () => {
  const pairs = [rsa, ...curves];
  for (const chosen of [[rsa], [curves[0] as Pair], pairs]) {
    const text = Buffer.from(
      encryptJwe(
        Buffer.from('plain'),
        chosen.map(({ publicKey }) => publicKey),
      ),
    );
    for (const { privateKey } of chosen)
      expect(decryptJwe(text, [stranger.privateKey, privateKey])?.toString()).toBe('plain');
    expect(decryptJwe(text, [stranger.privateKey])).toBeUndefined();
    expect(decryptJwe(text, [])).toBeUndefined();
  }
});

test('a JWE that is damaged or malformed is refused, without a word of what it holds', () => {
  const good = JSON.parse(encryptJwe(Buffer.from('secret'), [rsa.publicKey])) as Record<string, string>;
  const flipped = (text = '') => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
  const opened = (change: object) =>
    wrongness(() => decryptJwe(Buffer.from(JSON.stringify({ ...good, ...change })), [rsa.privateKey]));
  for (const change of [
    { ciphertext: flipped(good.ciphertext) },
    { tag: flipped(good.tag) },
    { tag: 'AAAA' },
    { iv: flipped(good.iv) },
    { aad: 'YQ' },
    { protected: Buffer.from('{"alg":"RSA-OAEP","enc":"A256GCM","x":1}').toString('base64url') },
    { protected: Buffer.from('{"alg":"RSA-OAEP","enc":"A128CBC-HS256"}').toString('base64url') },
    { protected: Buffer.from('{"alg":"RSA-OAEP","enc":"A256GCM","crit":["b64"]}').toString('base64url') },
    { protected: 5 },
    { recipients: Array.from({ length: 300 }, () => ({})) },
  ]) {
    const said = opened(change);
    expect(said).toStartWith('invalid_argument: ');
    expect(said).not.toContain('secret');
  }
  for (const text of ['', '{', '[]', '[[[[[[[[[[[[]]]]]]]]]]]]', `"${'x'.repeat(2 << 20)}"`])
    expect(wrongness(() => decryptJwe(Buffer.from(text), [rsa.privateKey]))).toStartWith('invalid_argument: ');
  // What is encrypted for somebody else, or says so, is only not for this key.
  expect(decryptJwe(Buffer.from(JSON.stringify({ ...good, encrypted_key: 'AAAA' })), [rsa.privateKey])).toBeUndefined();
});

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const all = async (stream: AsyncIterable<Uint8Array>): Promise<Buffer> => Buffer.concat(await Array.fromAsync(stream));

test('a layer comes back whatever pieces it comes in; one that was changed or cut does not', async () => {
  const layer = randomBytes(100_003);
  const key = newLayerKey();
  const stream = new LayerEncryption(pieces(layer, 777), key);
  const encrypted = await all(stream);
  expect(encrypted).toEqual(Buffer.concat([createCipheriv('aes-256-ctr', key.key, key.nonce).update(layer)]));
  for (const size of [1000, 16, 100_003])
    expect(await all(decryptLayer(pieces(encrypted, size), key, stream.hmac))).toEqual(layer);
  const bad = Buffer.from(encrypted);
  bad[50_000] = (bad[50_000] as number) ^ 1;
  for (const wrong of [bad, encrypted.subarray(0, -1), Buffer.concat([encrypted, Buffer.alloc(1)])])
    expect(await all(decryptLayer(pieces(wrong, 4096), key, stream.hmac)).then(() => '', classOf)).toBe('data_loss');
  for (const hmac of [Buffer.alloc(32), Buffer.alloc(0)])
    expect(await all(decryptLayer(pieces(encrypted, 4096), key, hmac)).then(() => '', classOf)).toBe('data_loss');
});

test('further recipients open a layer beside the first', () => {
  const secrets = { ...newLayerKey(), hmac: randomBytes(32), plainDigest: digest };
  const sealed = sealLayer(secrets, [rsa.publicKey]);
  const more = addRecipients(sealed, openLayer(sealed, digest, [rsa.privateKey]), [stranger.publicKey]);
  for (const { privateKey } of [rsa, stranger]) {
    const opened = openLayer(more, digest, [privateKey]);
    expect([Buffer.from(opened.key), Buffer.from(opened.nonce), Buffer.from(opened.hmac), opened.plainDigest]).toEqual([
      Buffer.from(secrets.key),
      Buffer.from(secrets.nonce),
      secrets.hmac,
      digest,
    ]);
  }
});

test('bad annotations are refused with what is wrong with them', () => {
  const good = sealLayer({ ...newLayerKey(), hmac: randomBytes(32), plainDigest: digest }, [rsa.publicKey]);
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
  const key: KeyObject = rsa.privateKey;
  const said = (change: Readonly<Record<string, string | undefined>>, keys = [key]) => {
    const annotations = Object.fromEntries(
      Object.entries({ ...good, ...change }).filter(([, text]) => text !== undefined),
    );
    return wrongness(() => openLayer(annotations as Annotations, digest, keys));
  };
  expect(said({}, [])).toBe(
    `permission_denied: layer ${digest}: missing private key needed for decryption: permission denied`,
  );
  expect(said({}, [stranger.privateKey])).toStartWith('permission_denied');
  expect(said({ [pubName]: undefined })).toStartWith('invalid_argument');
  expect(said({ [jweName]: undefined })).toStartWith('invalid_argument');
  expect(said({ [jweName]: undefined, 'org.opencontainers.image.enc.keys.pgp': 'x' })).toContain('kind pgp only');
  expect(said({ [pubName]: base64({ cipher: 'ROT13', hmac: 'AAAA' }) })).toStartWith('not_implemented');
  expect(said({ [pubName]: 'not json' })).toStartWith('invalid_argument');
  expect(said({ [jweName]: 'x'.repeat(3 << 20) })).toStartWith('invalid_argument');
  expect(said({ [jweName]: 'x,'.repeat(100) })).toStartWith('invalid_argument');
  // So many parts, each with so many recipients, are hours of arithmetic.
  const crowd = base64({ protected: '', recipients: Array.from({ length: 250 }, () => ({ header: { alg: 'none' } })) });
  expect(said({ [jweName]: `${crowd},`.repeat(20) })).toContain('are too many for 1 keys');
  // What is inside is a key: it is not quoted, whatever is wrong with it.
  for (const inside of ['"topsecret"', '{"symkey":"dG9wc2VjcmV0"}', 'topsecret']) {
    const text = Buffer.from(encryptJwe(Buffer.from(inside), [rsa.publicKey])).toString('base64');
    expect(said({ [jweName]: text })).toBe(
      `invalid_argument: layer ${digest}: the decrypted key is malformed: invalid argument`,
    );
  }
});

test('keys are read in the forms that programs write, and what is none is not quoted', () => {
  const { publicKey, privateKey } = rsa;
  const ec = curves[0] as Pair;
  const fingerprint = (key: KeyObject) =>
    createHash('sha256')
      .update(key.export({ format: 'der', type: 'spki' }))
      .digest('hex');
  for (const bytes of [
    publicKey.export({ format: 'pem', type: 'spki' }),
    publicKey.export({ format: 'pem', type: 'pkcs1' }),
    publicKey.export({ format: 'der', type: 'spki' }),
    JSON.stringify(publicKey.export({ format: 'jwk' })),
  ])
    expect(fingerprint(parsePublicKey(Buffer.from(bytes), 'k'))).toBe(fingerprint(publicKey));
  for (const bytes of [
    privateKey.export({ format: 'pem', type: 'pkcs8' }),
    privateKey.export({ format: 'pem', type: 'pkcs1' }),
    privateKey.export({ format: 'der', type: 'pkcs8' }),
    ec.privateKey.export({ format: 'pem', type: 'sec1' }),
    ec.privateKey.export({ format: 'der', type: 'sec1' }),
    JSON.stringify(ec.privateKey.export({ format: 'jwk' })),
  ])
    expect(parsePrivateKey(Buffer.from(bytes), 'k').type).toBe('private');
  const locked = privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'open' });
  expect(parsePrivateKey(Buffer.from(locked), 'k', Buffer.from('open')).type).toBe('private');
  expect(wrongness(() => parsePrivateKey(Buffer.from(locked), 'k'))).toContain('needs a password');
  expect(wrongness(() => parsePrivateKey(Buffer.from(locked), 'k', Buffer.from('hunter2')))).toBe(
    'invalid_argument: k: wrong password for the private key: invalid argument',
  );
  for (const bytes of ['', 'topsecret', '{"kty":"topsecret"}', 'x'.repeat(2 << 20)]) {
    expect(wrongness(() => parsePrivateKey(Buffer.from(bytes), 'k'))).toBe(
      'invalid_argument: k: no private key that can be read: invalid argument',
    );
  }
  expect(
    wrongness(() =>
      parsePublicKey(
        Buffer.from(generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' })),
        'k',
      ),
    ),
  ).toContain('wanted RSA or EC');
});

test('what the decoder is told comes back; keys among it are not quoted in errors', () => {
  const descriptor = { mediaType: 'a/b+encrypted', digest, size: 7, annotations: { [jweName]: 'x' } } as const;
  const payload = {
    descriptor: { ...descriptor, digest: digest as `sha256:${string}` },
    keys: [{ key: Buffer.from('k'), password: Buffer.from('p') }, { key: Buffer.from('l') }],
  };
  const back = decodePayload(encodePayload(payload as never));
  expect(back.descriptor).toEqual(payload.descriptor as never);
  expect(
    back.keys.map(({ key, password }) => [String(Buffer.from(key)), password && String(Buffer.from(password))]),
  ).toEqual([
    ['k', 'p'],
    ['l', undefined],
  ]);
  expect(wrongness(() => decodePayload(Buffer.from('{}')))).toStartWith('invalid_argument');
});
