import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { dataLoss, messageOf } from '#base/errors';

const chunkSize = 1 << 20;

/** The stream uncompressed, whichever of gzip and zstd its first bytes announce; as it is when they announce neither. @throws data_loss for a damaged one */
export async function* decompressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const source = chunks[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < 4) {
    const next = await source.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = (async function* () {
    if (head.length > 0) yield head;
    for (;;) {
      const next = await source.next();
      if (next.done === true) return;
      yield next.value;
    }
  })();
  const inflater = inflaterFor(head);
  if (inflater === undefined) {
    yield* whole;
    return;
  }
  const input = Readable.from(whole, { objectMode: false, highWaterMark: chunkSize });
  input.on('error', (error) => inflater.destroy(error));
  try {
    for await (const chunk of input.pipe(inflater)) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof Error && 'class' in error) throw error; // the source's own
    throw dataLoss(`archive: ${messageOf(error)}`, error);
  } finally {
    input.destroy();
    inflater.destroy();
  }
}

function inflaterFor(head: Buffer) {
  if (head[0] === 0x1f && head[1] === 0x8b) return createGunzip({ chunkSize });
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return createZstdDecompress({ chunkSize });
  return undefined;
}
