import { type ByteText, toBytes } from '#lib/tar/byte-text';

const notAscii = /[^ -~]/;

/** A name as the system calls take it: text of the addon's is UTF-8, so whatever is not ASCII goes as bytes. */
export const pathText = (text: ByteText): string | Uint8Array => (notAscii.test(text) ? toBytes(text) : text);
