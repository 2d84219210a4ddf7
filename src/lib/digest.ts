import { createHash, type Hash } from 'node:crypto';
import { invalidArgument } from '#base/errors';

export type Algorithm = 'sha256' | 'sha384' | 'sha512';

declare const brand: unique symbol;

/** `algorithm:hex` that was checked: safe as part of a path, and of one spelling only. */
export type Digest = `${Algorithm}:${string}` & { readonly [brand]: true };

/**
 * Reads a digest: sha256, sha384 or sha512, a colon, and exactly as many lower-case hexadecimal digits as the algorithm yields.
 *
 * @throws invalid_argument saying whether format, length or algorithm is wrong.
 */
export function parseDigest(text: string): Digest {
  const fault = faultOf(text);
  if (fault !== undefined) throw invalidArgument(`digest ${JSON.stringify(text.slice(0, maxShown))}: ${fault}`);
  return text as Digest;
}

export const isDigest = (text: string): text is Digest => faultOf(text) === undefined;

export const algorithmOf = (digest: Digest): Algorithm => digest.slice(0, digest.indexOf(':')) as Algorithm;

/** The part after the colon. */
export const encodedOf = (digest: Digest): string => digest.slice(digest.indexOf(':') + 1);

/** The digest of bytes that are in memory; a string counts as its UTF-8. */
export function digestOf(bytes: Uint8Array | string, algorithm: Algorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** The digest of bytes as they come. */
export class Digester {
  readonly algorithm: Algorithm;
  readonly #hash: Hash;

  constructor(algorithm: Algorithm = 'sha256') {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** The digest of everything so far; more may follow. */
  digest(): Digest {
    return `${this.algorithm}:${this.#hash.copy().digest('hex')}` as Digest;
  }
}

const hexLengths: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);
const shape = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const lowerHex = /^[0-9a-f]+$/;
const maxShown = 160;

function faultOf(text: string): string | undefined {
  const colon = text.indexOf(':');
  if (colon <= 0 || colon === text.length - 1) return 'invalid checksum digest format';
  const length = hexLengths.get(text.slice(0, colon));
  if (length === undefined) {
    // Beyond any known digest, the shape does not matter and would only take time.
    const shaped = text.length <= maxShown && shape.test(text);
    return shaped ? 'unsupported digest algorithm' : 'invalid checksum digest format';
  }
  const encoded = text.slice(colon + 1);
  if (encoded.length !== length) return 'invalid checksum digest length';
  return lowerHex.test(encoded) ? undefined : 'invalid checksum digest format';
}
