import { blockSize } from '#lib/tar/header';

/** The header of a plain file or directory of a reproducible archive: owned by root, of no age. */
export function tarHeader(name: string, size: number, type: 'file' | 'dir'): Buffer {
  const header = Buffer.alloc(blockSize);
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  header.write(name, 0, 100, 'utf8');
  octal(type === 'dir' ? 0o755 : 0o444, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  if (size < 8 ** 11) octal(size, 124, 12);
  else {
    header[124] = 0x80; // GNU's binary form, for what has no room in octal
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  octal(0, 136, 12);
  header.write(' '.repeat(8), 148, 'latin1');
  header.write(type === 'dir' ? '5' : '0', 156, 'latin1');
  header.write(size < 8 ** 11 ? 'ustar\x0000' : 'ustar  \0', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
