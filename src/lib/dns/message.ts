import { isIP, isIPv6 } from 'node:net';
import { invalidArgument } from '#base/errors';

/** Numbers of the protocol. */
export const DnsType = { A: 1, PTR: 12, AAAA: 28, ANY: 255 } as const;
export const DnsCode = { ok: 0, malformed: 1, failure: 2, noSuchName: 3, notImplemented: 4, refused: 5 } as const;
export const dnsInternet = 1;

const headerBytes = 12;
const maxNameBytes = 255;
/** The longest datagram of who does not say that he takes more. */
const plainDatagram = 512;
/** The longest that we send: it passes everywhere in one piece. */
const longestDatagram = 1232;
const optType = 41;

/** A question that somebody asks. */
export interface DnsQuery {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  /** In small letters, without the last dot. A label with a dot, or with what is no letter of ASCII, stands escaped, as `\046`. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** As it was asked: answers repeat it. */
  readonly question: Uint8Array;
  /** How long a datagram with the answer may be. */
  readonly maxDatagram: number;
}

export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string; readonly ttl: number }
  | { readonly type: 'PTR'; readonly name: string; readonly ttl: number };

/** @throws invalid_argument for what is no query with one question */
export function parseQuery(bytes: Uint8Array): DnsQuery {
  if (bytes.length < headerBytes) throw invalidArgument('dns: too short');
  const view = viewOf(bytes);
  const flags = view.getUint16(2);
  if ((flags & 0x8000) !== 0) throw invalidArgument('dns: an answer');
  if (view.getUint16(4) !== 1) throw invalidArgument('dns: not one question');
  const { name, end } = readName(bytes, headerBytes);
  if (end + 4 > bytes.length) throw invalidArgument('dns: too short');
  return {
    id: view.getUint16(0),
    opcode: (flags >> 11) & 0xf,
    recursionDesired: (flags & 0x0100) !== 0,
    name,
    type: view.getUint16(end),
    class: view.getUint16(end + 2),
    question: bytes.slice(headerBytes, end + 4),
    maxDatagram: datagramSize(bytes, end + 4),
  };
}

/** An answer that we know ourselves. */
export function formatAnswer(query: DnsQuery, code: number, records: readonly DnsRecord[] = []): Uint8Array {
  const packed = records.map(packRecord);
  const length = packed.reduce((sum, one) => sum + one.length, headerBytes + query.question.length);
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  view.setUint16(0, query.id);
  // An answer, of whom it is his own, who also asks others.
  view.setUint16(2, 0x8400 | (query.opcode << 11) | (query.recursionDesired ? 0x0100 : 0) | 0x0080 | code);
  view.setUint16(4, 1);
  view.setUint16(6, packed.length);
  bytes.set(query.question, headerBytes);
  let at = headerBytes + query.question.length;
  for (const one of packed) {
    bytes.set(one, at);
    at += one.length;
  }
  return bytes;
}

/** For a message that cannot be read but for its number. Undefined for less than that, and for what is an answer. */
export function formatMalformed(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < headerBytes || ((bytes[2] ?? 0) & 0x80) !== 0) return undefined;
  const answer = new Uint8Array(headerBytes);
  answer.set(bytes.subarray(0, 2));
  answer.set([0x80, DnsCode.malformed], 2);
  return answer;
}

/** The answer, or where it is longer than a datagram may be, one that says so: he asks again by another way. */
export function fitDatagram(answer: Uint8Array, query: DnsQuery): Uint8Array {
  if (answer.length <= query.maxDatagram) return answer;
  const short = new Uint8Array(headerBytes + query.question.length);
  short.set(answer.subarray(0, 4));
  short[2] = (short[2] ?? 0) | 0x02;
  short[5] = 1;
  short.set(query.question, headerBytes);
  return short;
}

/** What is asked of another server: the same with another number. */
export function renumbered(message: Uint8Array, id: number): Uint8Array {
  const copy = message.slice();
  viewOf(copy).setUint16(0, id);
  return copy;
}

export interface ForeignAnswer {
  readonly code: number;
  readonly truncated: boolean;
}

/** Whether it is an answer to the query under that number; undefined when it is not. Nothing behind the question is read. */
export function answerTo(bytes: Uint8Array, query: DnsQuery, id: number): ForeignAnswer | undefined {
  if (bytes.length < headerBytes + query.question.length) return undefined;
  const view = viewOf(bytes);
  const flags = view.getUint16(2);
  if (view.getUint16(0) !== id || (flags & 0x8000) === 0 || view.getUint16(4) !== 1) return undefined;
  const asked = bytes.subarray(headerBytes, headerBytes + query.question.length);
  if (!asked.every((byte, at) => small(byte) === small(query.question[at] ?? 0))) return undefined;
  return { code: flags & 0xf, truncated: (flags & 0x0200) !== 0 };
}

/** The address that a name such as `2.0.4.10.in-addr.arpa` asks about; undefined for another name. */
export function addressInName(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const address = name.split('.').slice(0, -2).reverse().join('.');
    return isIP(address) === 4 ? address : undefined;
  }
  if (!/^([0-9a-f]\.){32}ip6\.arpa$/.test(name)) return undefined;
  const digits = name.split('.').slice(0, 32).reverse().join('');
  return canonicalAddress(digits.replaceAll(/(.{4})(?=.)/g, '$1:'));
}

/** One way of writing for one address. */
export function canonicalAddress(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

function readName(bytes: Uint8Array, from: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = from;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) throw invalidArgument('dns: a name without end');
    at++;
    if (length === 0) break;
    if (length > 63) throw invalidArgument('dns: a name that refers to another'); // nothing stands before a question
    if (at + length > bytes.length || at + length - from >= maxNameBytes) throw invalidArgument('dns: a name too long');
    labels.push(labelOf(bytes.subarray(at, at + length)));
    at += length;
  }
  return { name: labels.join('.'), end: at };
}

const labelOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) =>
    byte === 0x2e || byte === 0x5c || byte <= 0x20 || byte >= 0x7f
      ? `\\${String(byte).padStart(3, '0')}`
      : String.fromCharCode(small(byte)),
  ).join('');

const small = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);

/** Who understands extensions says how much he takes, in a record that usually is the only one behind the question. */
function datagramSize(bytes: Uint8Array, from: number): number {
  const view = viewOf(bytes);
  const alone = view.getUint16(6) === 0 && view.getUint16(8) === 0 && view.getUint16(10) > 0;
  if (!alone || from + 11 > bytes.length || bytes[from] !== 0 || view.getUint16(from + 1) !== optType)
    return plainDatagram;
  return Math.min(Math.max(view.getUint16(from + 3), plainDatagram), longestDatagram);
}

function packRecord(record: DnsRecord): Uint8Array {
  const data = record.type === 'PTR' ? packName(record.name) : packAddress(record.address);
  const bytes = new Uint8Array(headerBytes + data.length);
  const view = viewOf(bytes);
  view.setUint16(0, 0xc000 | headerBytes); // the question's name
  view.setUint16(2, DnsType[record.type]);
  view.setUint16(4, dnsInternet);
  view.setUint32(6, record.ttl);
  view.setUint16(10, data.length);
  bytes.set(data, headerBytes);
  return bytes;
}

/** @throws invalid_argument */
export function packName(name: string): Uint8Array {
  const labels = name.split('.').map((label) => Buffer.from(label, 'latin1'));
  if (labels.some(({ length }) => length === 0 || length > 63))
    throw invalidArgument(`dns: name ${JSON.stringify(name)}`);
  const bytes = Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)]);
  if (bytes.length > maxNameBytes) throw invalidArgument(`dns: name of ${bytes.length} bytes`);
  return bytes;
}

function packAddress(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.').map(Number));
  const [head = '', tail] = canonicalAddress(address).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return Uint8Array.from(
    [...before, ...zeros, ...after].flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
