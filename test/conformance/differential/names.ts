import { createHash } from 'node:crypto';

export const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
export const hello = 'hello, world';
export const helloDigest = digestOf(hello);
export const missing = `sha256:${'0'.repeat(64)}`;
export const long = 'a'.repeat(77);
export const bigValue = 'v'.repeat(4100);
export const hostile = '(a+)+$';
export const manifest = 'application/vnd.oci.image.manifest.v1+json';
