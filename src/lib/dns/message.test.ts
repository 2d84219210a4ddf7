import { expect, test } from 'bun:test';
import {
  addressInName,
  answerTo,
  DnsCode,
  DnsType,
  fitDatagram,
  formatAnswer,
  formatMalformed,
  packName,
  parseQuery,
  renumbered,
} from './message.ts';

const ask = (name: string, type: number, more: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([
    Buffer.from([0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, more.length > 0 ? 1 : 0]),
    packName(name),
    Buffer.from([0, type, 0, 1]),
    more,
  ]);
const opt = (size: number): Buffer => Buffer.from([0, 0, 41, size >> 8, size & 0xff, 0, 0, 0, 0, 0, 0]);

test('a question is read without regard to capitals, and repeated as it was', () => {
  const query = parseQuery(ask('Web.Net', DnsType.A));
  expect(query).toMatchObject({ id: 0x1234, name: 'web.net', type: 1, class: 1, opcode: 0, maxDatagram: 512 });
  const answer = formatAnswer(query, DnsCode.ok, [{ type: 'A', address: '10.4.0.2', ttl: 5 }]);
  expect(Buffer.from(answer).toString('hex')).toBe(
    '1234858000010001000000000357656203' + '4e6574000001' + '0001c00c000100010000000500040a040002',
  );
});

test('IPv6 addresses and names are packed', () => {
  const query = parseQuery(ask('a', DnsType.AAAA));
  const six = formatAnswer(query, DnsCode.ok, [{ type: 'AAAA', address: 'fd00::1:2', ttl: 0 }]);
  expect(Buffer.from(six.slice(-16)).toString('hex')).toBe('fd000000000000000000000000010002');
  const name = formatAnswer(query, DnsCode.ok, [{ type: 'PTR', name: 'a.b', ttl: 0 }]);
  expect(Buffer.from(name.slice(-5)).toString('hex')).toBe('0161016200');
});

test('who takes more says so; what is longer is cut off, and it is said', () => {
  expect(parseQuery(ask('a', 1, opt(4096))).maxDatagram).toBe(1232);
  expect(parseQuery(ask('a', 1, opt(100))).maxDatagram).toBe(512);
  const query = parseQuery(ask('many', 1));
  const records = Array.from({ length: 40 }, (_, at) => ({ type: 'A', address: `10.0.0.${at}`, ttl: 0 }) as const);
  const whole = formatAnswer(query, DnsCode.ok, records);
  const cut = fitDatagram(whole, query);
  expect(cut.length).toBe(12 + query.question.length);
  expect(answerTo(cut, query, 0x1234)).toEqual({ code: 0, truncated: true });
  expect(fitDatagram(whole.slice(0, 512), query).length).toBe(512);
});

test('an answer must have the number and the question that were asked', () => {
  const query = parseQuery(ask('A.b', 1));
  const answer = renumbered(formatAnswer(query, DnsCode.noSuchName), 7);
  expect(answerTo(answer, query, 7)).toEqual({ code: 3, truncated: false });
  expect(answerTo(answer, parseQuery(ask('a.B', 1)), 7)).toEqual({ code: 3, truncated: false });
  expect(answerTo(answer, query, 8)).toBeUndefined();
  expect(answerTo(answer, parseQuery(ask('a.c', 1)), 7)).toBeUndefined();
  expect(answerTo(ask('A.b', 1), query, 0x1234)).toBeUndefined();
});

test('what is no question is refused, and where possible that is said', () => {
  const good = ask('abc', 1);
  const two = Buffer.from(good);
  two[5] = 2;
  const loop = Buffer.from(good);
  loop[12] = 0xc0;
  for (const bad of [Buffer.alloc(0), good.subarray(0, 11), good.subarray(0, 17), two, loop])
    expect(() => parseQuery(bad)).toThrow('invalid argument');
  expect(formatMalformed(two)).toEqual(Uint8Array.from([0x12, 0x34, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0]));
  expect(formatMalformed(Buffer.alloc(3))).toBeUndefined();
  expect(() => packName(`${'a'.repeat(64)}`)).toThrow('invalid argument');
  expect(() => packName(Array(128).fill('aa').join('.'))).toThrow('invalid argument');
});

test('a label with a dot in it is no two labels', () => {
  const odd = Buffer.concat([ask('abc', 1).subarray(0, 12), Buffer.from([3, 0x61, 0x2e, 0x62, 0, 0, 1, 0, 1])]);
  expect(parseQuery(odd).name).toBe('a\\046b');
});

test('addresses stand backwards in names', () => {
  expect(addressInName('2.0.4.10.in-addr.arpa')).toBe('10.4.0.2');
  expect(addressInName('2.0.4.in-addr.arpa')).toBeUndefined();
  expect(addressInName('300.0.4.10.in-addr.arpa')).toBeUndefined();
  const six = `${'2.0.0.0'.padEnd(7)}.${'0.'.repeat(24)}0.0.d.f.ip6.arpa`;
  expect(addressInName(six)).toBe('fd00::2');
  expect(addressInName('web')).toBeUndefined();
});
