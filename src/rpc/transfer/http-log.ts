import { HTTPDebug } from '#api/types/transfer/registry_pb';
import type { HttpWatch } from '#lib/registry/http-watch';
import { sendBytes } from '../streaming/bytes.ts';
import type { MessageStream } from '../streaming/message-stream.ts';

/** What a client that does not read may have waiting; what comes then is left out. */
const maxWaiting = 4 << 20;

/** Sends what is heard over a stream of bytes; disposing it sends the rest and ends the stream. */
export function watchOver(stream: MessageStream, wanted: HTTPDebug): HttpWatch & AsyncDisposable {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let over = false;
  let wake = () => {};
  const pieces = async function* () {
    for (;;) {
      const now = waiting;
      waiting = [];
      bytes = 0;
      yield* now;
      if (waiting.length > 0) continue;
      if (over) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  };
  const sending = sendBytes(stream, pieces());
  sending.catch(() => {}); // a client that has gone reads no log: the transfer is not to fail of it
  return {
    dump: wanted === HTTPDebug.DEBUG || wanted === HTTPDebug.BOTH,
    trace: wanted === HTTPDebug.TRACE || wanted === HTTPDebug.BOTH,
    say: (text) => {
      if (over || bytes > maxWaiting) return;
      const piece = Buffer.from(text);
      bytes += piece.length;
      waiting.push(piece);
      wake();
    },
    [Symbol.asyncDispose]: async () => {
      over = true;
      wake();
      await Promise.race([sending.catch(() => {}), new Promise((late) => setTimeout(late, lastWordMs).unref())]);
    },
  };
}

/** How long the end of a transfer waits for a client that does not read its log. */
const lastWordMs = 5000;
