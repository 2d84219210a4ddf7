import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { type Algorithm, Digester } from '#lib/digest';

/** Some 0.3 ms of hashing: the longest that a big write holds the event loop at a time. */
const sliceBytes = 512 << 10;
const readBytes = 1 << 20;

/** Hashes what is in memory, letting others run in between. */
export async function hashInSlices(digester: Digester, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    if (at > 0) await setImmediate();
    digester.update(bytes.subarray(at, at + sliceBytes));
  }
}

/** The hash state of the first `size` bytes of a file. Reads them, 1 MiB at a time. */
export async function hashFile(file: FileHandle, size: number, algorithm: Algorithm): Promise<Digester> {
  const digester = new Digester(algorithm);
  const buffer = Buffer.allocUnsafe(Math.min(readBytes, Math.max(1, size)));
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at);
    if (bytesRead === 0) break;
    await hashInSlices(digester, buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return digester;
}
