import { expect, test } from 'bun:test';
import { classOf } from '#base/errors';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type Request,
  type Response,
} from './messages.ts';

const request: Request = {
  service: 'containerd.task.v2.Task',
  method: 'State',
  payload: Buffer.from('payload'),
  timeoutNano: 2_000_000_000n,
  metadata: new Map([
    ['containerd-namespace-ttrpc', ['default', 'two']],
    ['empty', ['']],
  ]),
};

test('a request comes back as it went', () => {
  expect(decodeRequest(encodeRequest(request))).toEqual(request);
  const small: Request = { service: '', method: '', payload: new Uint8Array(), timeoutNano: 0n, metadata: new Map() };
  expect(encodeRequest(small).length).toBe(0);
  expect(decodeRequest(new Uint8Array())).toEqual(small);
  expect(decodeRequest(encodeRequest({ ...small, timeoutNano: -1n })).timeoutNano).toBe(-1n);
});

test('a request has the bytes that protobuf wants', () => {
  const bytes = encodeRequest({
    service: 's',
    method: 'm',
    payload: Uint8Array.of(9),
    timeoutNano: 300n,
    metadata: new Map([['k', ['v']]]),
  });
  expect(Buffer.from(bytes).toString('hex')).toBe('0a0173' + '12016d' + '1a0109' + '20ac02' + '2a060a016b120176');
});

test('a response comes back as it went', () => {
  const status = { code: 5, message: 'task x: not found', details: [{ typeUrl: 'a.B', value: Uint8Array.of(1, 2) }] };
  const table: Response[] = [
    { status: undefined, payload: Buffer.from('yes') },
    { status, payload: new Uint8Array() },
    { status: { code: 0, message: '', details: [] }, payload: new Uint8Array() },
    { status: { code: -1, message: '', details: [] }, payload: new Uint8Array() },
  ];
  for (const response of table) expect(decodeResponse(encodeResponse(response))).toEqual(response);
});

test('unknown fields are read over', () => {
  const unknown = Buffer.from('50' + '01' + '59' + '0000000000000000' + '65' + '00000000' + '6a0178', 'hex');
  expect(decodeRequest(Buffer.concat([unknown, encodeRequest(request), unknown]))).toEqual(request);
});

test('what is no message is an invalid argument, never another error or a hang', () => {
  for (const hex of [
    '0a',
    '0a05',
    '0affffffffffffffffff01',
    '08',
    'ff'.repeat(20),
    '0b',
    '0c',
    '00',
    '09000000',
    '0d00',
    '12ffffffff0f',
    '2a020a05',
  ]) {
    try {
      decodeRequest(Buffer.from(hex, 'hex'));
      throw new Error(`no error for ${hex}`);
    } catch (thrown) {
      expect([hex, classOf(thrown)]).toEqual([hex, 'invalid_argument']);
    }
  }
  const good = Buffer.from(encodeRequest(request));
  let refused = 0;
  for (let i = 0; i < good.length; i++) {
    for (const value of [0, 0x7f, 0x80, 0xff]) {
      const bad = Buffer.from(good);
      bad[i] = value;
      try {
        decodeRequest(bad);
        decodeResponse(bad);
      } catch (thrown) {
        if (classOf(thrown) !== 'invalid_argument') throw thrown;
        refused += 1;
      }
    }
  }
  expect(refused).toBeGreaterThan(20);
});
