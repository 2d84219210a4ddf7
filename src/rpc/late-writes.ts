import { Http2SubchannelCall } from '@grpc/grpc-js/build/src/subchannel-call.js';

interface Sending {
  readonly http2Stream: { readonly destroyed: boolean; readonly writableEnded: boolean };
}
type Send = (this: Sending, context: { readonly callback?: () => void }, message: Buffer) => void;

let isAllowed = false;

/**
 * Lets a client send when the server has ended the call already: what is sent then goes nowhere, and what the server had to say is still read.
 * grpc-js fails such a call, and throws away the answers that were not read yet, though the end and the message only met on their way.
 * It has no option for this; its own `halfClose` makes the same exception.
 */
export function allowLateWrites(): void {
  if (isAllowed) return;
  isAllowed = true;
  const calls = Http2SubchannelCall.prototype as unknown as { sendMessageWithContext: Send };
  const send = calls.sendMessageWithContext;
  calls.sendMessageWithContext = function (context, message) {
    const { destroyed, writableEnded } = this.http2Stream;
    if (destroyed || writableEnded) process.nextTick(() => context.callback?.());
    else send.call(this, context, message);
  };
}
