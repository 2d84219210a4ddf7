import { expect, test } from 'bun:test';
import { algorithmOf, Digester, digestOf, encodedOf, isDigest, parseDigest } from './digest.ts';

const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

test('the three algorithms are read', () => {
  for (const [algorithm, length] of [
    ['sha256', 64],
    ['sha384', 96],
    ['sha512', 128],
  ] as const) {
    const text = `${algorithm}:${'0a'.repeat(length / 2)}`;
    const digest = parseDigest(text);
    expect<string>(digest).toBe(text);
    expect(algorithmOf(digest)).toBe(algorithm);
    expect(encodedOf(digest)).toBe('0a'.repeat(length / 2));
  }
});

test('everything else is refused with the reason', () => {
  const table: [string, string][] = [
    ['', 'format'],
    ['x', 'format'],
    ['sha256:', 'format'],
    [':aa', 'format'],
    [`sha256:${'A'.repeat(64)}`, 'format'],
    [`sha256:${'g'.repeat(64)}`, 'format'],
    [`SHA256:${'a'.repeat(64)}`, 'format'],
    [`sha256:${'a'.repeat(63)}\n`, 'format'],
    [`sha256:${'../'.repeat(21)}a`, 'format'],
    ['sha256:ab', 'length'],
    [`sha256:${'a'.repeat(65)}`, 'length'],
    [`sha512:${'a'.repeat(64)}`, 'length'],
    [`sha256: ${'a'.repeat(64)}`, 'length'],
    ['md5:d41d8cd98f00b204e9800998ecf8427e', 'algorithm'],
    ['sha256+b64:aa', 'algorithm'],
    [`constructor:${'a'.repeat(64)}`, 'algorithm'],
    [`x:${'a'.repeat(10_000_000)}`, 'format'],
  ];
  for (const [text, reason] of table) {
    const wanted = reason === 'algorithm' ? 'unsupported digest algorithm' : `invalid checksum digest ${reason}`;
    expect(() => parseDigest(text)).toThrow(`${wanted}: invalid argument`);
    expect(isDigest(text)).toBe(false);
  }
});

test('digests of bytes at once and piece by piece agree', () => {
  expect<string>(digestOf('')).toBe(empty);
  for (const algorithm of ['sha256', 'sha384', 'sha512'] as const) {
    const digester = new Digester(algorithm);
    digester.update(Buffer.from('ab'));
    expect(digester.digest()).toBe(digestOf('ab', algorithm));
    digester.update(Buffer.from('c'));
    expect(digester.digest()).toBe(digestOf('abc', algorithm));
    expect(digester.digest()).toBe(digestOf('abc', algorithm));
  }
});
