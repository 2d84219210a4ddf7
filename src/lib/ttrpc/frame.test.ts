import { expect, test } from 'bun:test';
import { encodeFrame, FrameReader, FrameType, headerLength, maxPayload } from './frame.ts';

test('a frame has length, stream, type and flags before its payload', () => {
  expect(encodeFrame(7, FrameType.Response, Buffer.from('ab'), 3).toString('hex')).toBe(
    '00000002000000070203' + '6162',
  );
});

test('frames are found however the bytes are cut', () => {
  const payloads = ['', 'a', 'x'.repeat(300), '', 'last'];
  const bytes = Buffer.concat(payloads.map((text, i) => encodeFrame(i, 1, Buffer.from(text))));
  for (const size of [1, 2, 3, 7, 10, 11, 64, bytes.length]) {
    const reader = new FrameReader();
    const found: [number, string][] = [];
    for (let at = 0; at < bytes.length; at += size) {
      for (const frame of reader.push(bytes.subarray(at, at + size))) {
        found.push([frame.streamId, Buffer.from(frame.payload ?? 'oversize').toString()]);
      }
    }
    expect(found).toEqual(payloads.map((text, i) => [i, text]));
  }
});

test('the biggest payload passes; a bigger one is skipped and the next frame found', () => {
  const reader = new FrameReader();
  const [fits] = reader.push(encodeFrame(1, 1, new Uint8Array(maxPayload)));
  expect(fits?.payload?.length).toBe(maxPayload);
  const big = Buffer.concat([encodeFrame(3, 1, new Uint8Array(maxPayload + 1)), encodeFrame(5, 1, Buffer.from('x'))]);
  const frames = [...reader.push(big.subarray(0, 1000)), ...reader.push(big.subarray(1000))];
  expect(frames.map(({ streamId, length, payload }) => [streamId, length, payload?.length])).toEqual([
    [3, maxPayload + 1, undefined],
    [5, 1, 1],
  ]);
});

test('a header that promises four gigabytes costs no memory', () => {
  const header = Buffer.alloc(headerLength, 0xff);
  const before = process.memoryUsage().rss;
  const readers = Array.from({ length: 100 }, () => new FrameReader());
  for (const reader of readers) expect([...reader.push(header), ...reader.push(new Uint8Array(65536))]).toEqual([]);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
});
