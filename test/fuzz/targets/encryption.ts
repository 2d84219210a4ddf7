import { createPrivateKey } from 'node:crypto';
import { decryptJwe } from '#lib/ocicrypt/jwe';
import { parsePrivateKey, parsePublicKey } from '#lib/ocicrypt/keys';
import { openLayer } from '#lib/ocicrypt/layer-keys';
import { decodePayload } from '#lib/ocicrypt/payload';
import { accepted, type FuzzTarget, textOf } from '../target.ts';

/** Made for this corpus, and for nothing else. */
const own = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    x: '6bs7s1F2VytF4YJuSyM3QVK7ey4GxCEsAJz7tA1Fwfg',
    y: '995GlBlaxyfKetr8Z12ckl7EE1k6VxE6vGcVnWRnsIM',
    crv: 'P-256',
    d: 'Mp7-BGJv8gcYlm0Oe8h9O_J8qo_ho548qHHNq3UvdTw',
  },
});
const prefix = 'org.opencontainers.image.enc.';

/** What the decoder of encrypted layers reads: keys, JWE, annotations of a layer, its orders. Refused without a word of what is inside. */
export const encryption: FuzzTarget = {
  name: 'encryption',
  words: [
    '"protected":"',
    '"recipients":[',
    '"header":{',
    '"encrypted_key":"',
    '"iv":"',
    '"tag":"',
    '"epk":{',
    '"alg":"RSA-OAEP"',
    '"enc":"A128GCM"',
    '"kty":"EC"',
    '"zip":"DEF"',
    '-----BEGIN PRIVATE KEY-----\n',
    'AAAA',
    ',',
  ],
  run(bytes) {
    accepted(() => decryptJwe(bytes, [own]), 'invalid_argument');
    accepted(() => decodePayload(bytes), 'invalid_argument');
    accepted(() => parsePublicKey(bytes, 'key'), 'invalid_argument', 'not_implemented');
    accepted(() => parsePrivateKey(bytes, 'key'), 'invalid_argument', 'not_implemented');
    const base64 = Buffer.from(bytes).toString('base64');
    const annotations = { [`${prefix}pubopts`]: textOf(bytes), [`${prefix}keys.jwe`]: base64 };
    const good = { [`${prefix}pubopts`]: publicOptions, [`${prefix}keys.jwe`]: base64 };
    for (const each of [annotations, good])
      accepted(() => openLayer(each, 'sha256:x', [own]), 'invalid_argument', 'permission_denied', 'not_implemented');
  },
};

const publicOptions = Buffer.from('{"cipher":"AES_256_CTR_HMAC_SHA256","hmac":"AAAA","cipheroptions":{}}').toString(
  'base64',
);
