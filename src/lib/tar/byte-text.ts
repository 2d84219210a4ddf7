import { Buffer } from 'node:buffer';

/**
 * Bytes as text, one character (U+0000 to U+00FF) a byte. Names in archives and in file systems are bytes, mostly but not always UTF-8:
 * this form loses nothing, can be cut, compared and used as a key, and costs half of what decoding does.
 */
export type ByteText = string;

/** The bytes as they are. */
export function byteText(bytes: Uint8Array, start = 0, end: number = bytes.length): ByteText {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

/** What the system and people call it: UTF-8, with U+FFFD for what is none. For messages. */
export const toDisplay = (text: ByteText): string => Buffer.from(text, 'latin1').toString();

/** The UTF-8 bytes of ordinary text. */
export const fromUnicode = (text: string): ByteText => Buffer.from(text).toString('latin1');

/** A copy of the bytes. */
export const toBytes = (text: ByteText): Uint8Array => Buffer.from(text, 'latin1');

/** True when every byte is ASCII and none is a NUL. */
export function isPlainAscii(text: ByteText): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code > 0x7f) return false;
  }
  return true;
}
