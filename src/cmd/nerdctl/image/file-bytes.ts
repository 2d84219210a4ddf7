import { open } from 'node:fs/promises';

/** A file piece by piece; opened when the first is asked for, and closed with the last or when nobody wants more. @throws as `open` */
export async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  await using file = await open(path);
  for (;;) {
    const piece = new Uint8Array(1 << 20);
    const { bytesRead } = await file.read(piece, 0, piece.length, null);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
  }
}
