import { expect, test } from 'bun:test';
import { inputEnd, inputHeader, type Output, OutputReader } from './attach-frames.ts';

const frame = (kind: number, text: string): Buffer => {
  const header = Buffer.alloc(5);
  header[0] = kind;
  header.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([header, Buffer.from(text)]);
};

/** What the outputs say together, piece by piece joined where the stream is the same. */
function said(outputs: readonly Output[]): string {
  let text = '';
  let last = '';
  for (const { stream, bytes } of outputs) {
    text += `${stream === last ? '' : `[${stream}]`}${Buffer.from(bytes).toString('latin1')}`;
    last = stream;
  }
  return text;
}

const bytes = Buffer.concat([
  frame(1, 'one '),
  frame(2, 'two'),
  frame(1, ''),
  frame(2, ' three'),
  frame(1, 'x'.repeat(300)),
]);
const whole = `[stdout]one [stderr]two three[stdout]${'x'.repeat(300)}`;

test('output is read in whatever pieces it comes', () => {
  for (const size of [1, 2, 3, 5, 7, 64, bytes.length]) {
    const reader = new OutputReader();
    const outputs: Output[] = [];
    for (let at = 0; at < bytes.length; at += size) outputs.push(...reader.push(bytes.subarray(at, at + size)));
    expect(said(outputs)).toBe(whole);
    expect(reader.whole).toBe(true);
  }
});

test('a long frame is handed on as it comes, without being kept or copied', () => {
  const reader = new OutputReader();
  expect(reader.push(Buffer.from([1, 0xff, 0xff, 0xff, 0xff]))).toEqual([]);
  const chunk = Buffer.alloc(1000, 'a');
  for (let i = 0; i < 100; i++) {
    const [output, ...more] = reader.push(chunk);
    expect(more).toEqual([]);
    expect(output?.bytes.buffer).toBe(chunk.buffer);
    expect(output?.bytes.length).toBe(1000);
  }
  expect(reader.whole).toBe(false);
});

test('what is no frame is refused', () => {
  for (const kind of [0, 3, 0xff]) {
    const reader = new OutputReader();
    expect(said(reader.push(frame(1, 'good')))).toBe('[stdout]good');
    expect(() => reader.push(frame(kind, 'bad'))).toThrow('data loss');
  }
});

test('whatever comes is read or refused, the same at once as byte by byte', () => {
  let seed = 1;
  const next = () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed >> 16;
  };
  const attempt = (input: Buffer, size: number): string => {
    const reader = new OutputReader();
    const outputs: Output[] = [];
    try {
      for (let at = 0; at < input.length; at += size) outputs.push(...reader.push(input.subarray(at, at + size)));
    } catch {
      return 'refused';
    }
    return said(outputs);
  };
  for (let i = 0; i < 500; i++) {
    const input = Buffer.from(bytes);
    for (let changes = next() % 4; changes > 0; changes--) input[next() % 40] = next();
    expect(attempt(input, 1)).toBe(attempt(input, input.length));
  }
});

test('input frames', () => {
  expect([...inputHeader(0x10203)]).toEqual([0, 0, 1, 2, 3]);
  expect([...inputHeader(0xffff_ffff)]).toEqual([0, 255, 255, 255, 255]);
  expect([...inputEnd()]).toEqual([1, 0, 0, 0, 0]);
});
