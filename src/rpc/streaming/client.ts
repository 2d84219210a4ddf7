import { randomBytes } from 'node:crypto';
import { StreamInitSchema, Streaming } from '#api/services/streaming/v1/streaming_pb';
import type { Any } from '#base/any';
import { internal } from '#base/errors';
import type { Scope } from '#core/scope';
import { pack } from '../any.ts';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { anyFromWire, anyToWire } from '../values.ts';
import type { MessageStream } from './message-stream.ts';

/** Opens a stream under an id of its own; when the promise settles, the daemon's other calls can refer to it. Dispose it. */
export async function openStream(
  transport: Transport,
  scope: Scope,
  prefix: string,
): Promise<MessageStream & Disposable> {
  const id = `${prefix}-${randomBytes(12).toString('base64url')}`;
  const call = clientOf(Streaming, transport).stream(withScope(scope));
  try {
    await call.send(anyToWire(pack(StreamInitSchema, { id })));
    if ((await call.next()).done) throw internal(`stream ${id} ended before it began`);
  } catch (thrown) {
    call[Symbol.dispose]();
    throw thrown;
  }
  return {
    id,
    send: (message) => call.send(anyToWire(message)),
    end: () => call.end(),
    async *[Symbol.asyncIterator](): AsyncGenerator<Any> {
      // By hand: a for-await loop would cancel the call when the reader stops, and with it what is still to be sent.
      for (let next = await call.next(); !next.done; next = await call.next()) yield anyFromWire(next.value);
    },
    [Symbol.dispose]: () => call[Symbol.dispose](),
  };
}
