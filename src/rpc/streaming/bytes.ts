import { DataSchema, WindowUpdateSchema } from '#api/types/transfer/streaming_pb';
import { invalidArgument } from '#base/errors';
import { pack, unpack } from '../any.ts';
import type { MessageStream } from './message-stream.ts';

// containerd's own receivers grant 64 KiB, and its senders put at most 32 KiB into a message; both take what is larger.
const window = 1 << 20;
const maxData = 256 << 10;

/**
 * Sends bytes as the receiver grants room for them, then ends this direction of the stream. Returns early, having closed the source, when the
 * receiver has ended the stream: why it did is for the call to say that referred to it. @throws what the source throws
 */
export async function sendBytes(stream: MessageStream, source: AsyncIterable<Uint8Array>): Promise<void> {
  const grants = new Grants(stream);
  for await (const chunk of source) {
    for (let at = 0; at < chunk.byteLength; ) {
      const size = await grants.take(Math.min(maxData, chunk.byteLength - at));
      if (size === 0) return;
      await stream.send(pack(DataSchema, { data: chunk.subarray(at, at + size) as Uint8Array<ArrayBuffer> }));
      at += size;
    }
  }
  stream.end();
}

/** Receives bytes until the sender has no more. */
export async function* receiveBytes(stream: MessageStream): AsyncGenerator<Uint8Array> {
  let granted = 0;
  const grant = async () => {
    const update = window - granted;
    granted = window;
    await stream.send(pack(WindowUpdateSchema, { update }));
  };
  await grant();
  for await (const message of stream) {
    const data = unpack(DataSchema, message)?.data;
    if (data === undefined) throw invalidArgument(`stream ${stream.id}: ${message.typeUrl} where bytes were expected`);
    granted -= data.byteLength;
    yield data;
    if (granted <= window / 2) await grant();
  }
}

/** The room that a receiver has granted and that is not used up. */
class Grants {
  #room = 0;
  #over = false;
  #wake: () => void = () => {};

  constructor(stream: MessageStream) {
    void this.#listen(stream);
  }

  /** Up to so much of it, as soon as there is any; 0 when the receiver has ended the stream. */
  async take(wanted: number): Promise<number> {
    while (this.#room <= 0 && !this.#over) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    if (this.#over) return 0;
    const size = Math.min(wanted, this.#room);
    this.#room -= size;
    return size;
  }

  async #listen(stream: MessageStream): Promise<void> {
    try {
      for await (const message of stream) {
        this.#room += unpack(WindowUpdateSchema, message)?.update ?? 0;
        this.#wake();
      }
    } catch {
      // A broken stream is an ended one; the call that it belongs to has the reason.
    }
    this.#over = true;
    this.#wake();
  }
}
