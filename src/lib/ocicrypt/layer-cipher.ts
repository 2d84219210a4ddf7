import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { dataLoss } from '#base/errors';

/** The one cipher that images use: AES in counter mode, and an HMAC over what comes out of it. */
export const layerCipher = 'AES_256_CTR_HMAC_SHA256';
export const keyBytes = 32;
export const nonceBytes = 16;

export interface LayerKey {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
}

/** Encrypts a layer piece by piece; when the iteration is over, `hmac` tells what must be noted of it. */
export class LayerEncryption {
  readonly #plain: AsyncIterable<Uint8Array>;
  readonly #key: LayerKey;
  #hmac: Buffer | undefined;

  constructor(plain: AsyncIterable<Uint8Array>, key: LayerKey) {
    this.#plain = plain;
    this.#key = key;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const { key, nonce } = this.#key;
    const cipher = createCipheriv('aes-256-ctr', key, nonce);
    const hmac = createHmac('sha256', key);
    for await (const bytes of this.#plain) {
      const encrypted = cipher.update(bytes);
      hmac.update(encrypted);
      yield encrypted;
    }
    this.#hmac = hmac.digest();
  }

  get hmac(): Buffer {
    if (this.#hmac === undefined) throw new Error('the layer is not encrypted to its end yet');
    return this.#hmac;
  }
}

/**
 * Decrypts a layer piece by piece. Nothing that has come is to be trusted before the iteration has ended well.
 * @throws data_loss at the end, when the layer is not the one that was encrypted
 */
export async function* decryptLayer(
  encrypted: AsyncIterable<Uint8Array>,
  { key, nonce }: LayerKey,
  expected: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const cipher = createDecipheriv('aes-256-ctr', key, nonce);
  const hmac = createHmac('sha256', key);
  for await (const bytes of encrypted) {
    hmac.update(bytes);
    yield cipher.update(bytes);
  }
  const found = hmac.digest();
  if (found.length !== expected.length || !timingSafeEqual(found, expected))
    throw dataLoss('the layer is damaged or cut short: it does not match its HMAC');
}
