import { encodeFrame, type Frame, FrameReader, headerLength, maxPayload } from '#lib/ttrpc/frame';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '#lib/ttrpc/messages';
import { accepted, type FuzzTarget, holds, same } from '../target.ts';

/** Frames of ttrpc: any bytes are some, the same ones however they arrive, and no length makes us keep what never comes. */
export const ttrpcFrames: FuzzTarget = {
  name: 'ttrpc-frames',
  words: [
    Uint8Array.of(0, 0, 0, 0),
    Uint8Array.of(0, 64, 0, 1),
    Uint8Array.of(255, 255, 255, 255),
    Uint8Array.of(0, 0, 0, 1, 1, 0),
  ],
  run(bytes) {
    const whole = [...new FrameReader().push(bytes)];
    const reader = new FrameReader();
    const cut: Frame[] = [];
    for (let at = 0; at < bytes.length; ) {
      const step = 1 + (bytes[at]! % 40);
      // Copies: a payload may be a view of the chunk.
      cut.push(...reader.push(Buffer.from(bytes.subarray(at, at + step))));
      at += step;
    }
    same('read in pieces', cut.map(plain), whole.map(plain));
    same('by hand', whole.map(plain), byHand(bytes));
    for (const { streamId, type, flags, payload } of whole)
      if (payload !== undefined)
        same('written again', [...new FrameReader().push(encodeFrame(streamId, type, payload, flags))].map(plain), [
          plain({ streamId, type, flags, payload, length: payload.length }),
        ]);
  },
};

const plain = ({ payload, ...rest }: Frame) => ({ ...rest, payload: payload && Buffer.from(payload).toString('hex') });

function byHand(bytes: Uint8Array) {
  const found: ReturnType<typeof plain>[] = [];
  const view = Buffer.from(bytes);
  for (let at = 0; at + headerLength <= view.length; ) {
    const length = view.readUInt32BE(at);
    const end = at + headerLength + length;
    if (end > view.length) break;
    const payload = length > maxPayload ? undefined : view.subarray(at + headerLength, end);
    found.push(
      plain({ streamId: view.readUInt32BE(at + 4), type: view[at + 8]!, flags: view[at + 9]!, payload, length }),
    );
    at = end;
  }
  return found;
}

/** Requests and answers of ttrpc: read or refused, and what was read is the same written and read again. */
export const ttrpcMessages: FuzzTarget = {
  name: 'ttrpc-messages',
  words: [
    Uint8Array.of(0x0a),
    Uint8Array.of(0x12),
    Uint8Array.of(0x1a),
    Uint8Array.of(0x2a, 0),
    Uint8Array.of(0x20, 0xff, 1),
  ],
  run(bytes) {
    const request = accepted(() => decodeRequest(bytes), 'invalid_argument');
    if (request !== undefined) same('request', decodeRequest(encodeRequest(request)), request);
    const response = accepted(() => decodeResponse(bytes), 'invalid_argument');
    if (response !== undefined) {
      same('response', decodeResponse(encodeResponse(response)), response);
      holds('a code is one', Number.isInteger(response.status?.code ?? 0));
    }
  },
};
