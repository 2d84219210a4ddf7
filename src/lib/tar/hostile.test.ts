import { expect, test } from 'bun:test';
import { classOf } from '#base/errors';
import type { TarEntry } from './entry.ts';
import { cleanPath } from './paths.ts';
import { formatPaxRecord, paxTime } from './pax.ts';
import { maxMetaBytes, TarReader } from './reader.ts';
import { listTar } from './small-archive.ts';
import { encodeEntry, endOfArchive } from './writer.ts';

const plain: TarEntry = {
  type: 'file',
  name: 'file',
  linkName: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 1, nanos: 0 },
  major: 0,
  minor: 0,
};

const classOfReading = (...parts: readonly Uint8Array[]): string => {
  try {
    listTar(Buffer.concat(parts));
    return 'none';
  } catch (thrown) {
    return classOf(thrown);
  }
};

/** A header whose bytes were changed, with its checksum put right. */
function header(change: (block: Buffer) => void, entry: Partial<TarEntry> = {}): Buffer {
  const block = Buffer.from(encodeEntry({ ...plain, ...entry }));
  change(block);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

const meta = (flag: string, data: Uint8Array): Buffer => {
  const head = header(
    (block) => {
      block.write(flag, 156, 'latin1');
      block.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
    },
    { name: 'meta' },
  );
  return Buffer.concat([head, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
};
const pax = (...records: [string, string][]): Buffer =>
  meta('x', Buffer.from(records.map(([key, value]) => formatPaxRecord(key, value)).join(''), 'latin1'));

test('an archive may end with two zero blocks, one, or none', () => {
  const member = encodeEntry(plain);
  expect(classOfReading(member, endOfArchive)).toBe('none');
  expect(classOfReading(member, endOfArchive.subarray(512))).toBe('none');
  expect(classOfReading(member)).toBe('none');
  expect(classOfReading(new Uint8Array(0))).toBe('none');
});

test('what follows the end is ignored', () => {
  expect(listTar(Buffer.concat([encodeEntry(plain), endOfArchive, Buffer.from('garbage')])).length).toBe(1);
});

test('an archive that breaks off is data loss, wherever it does', () => {
  const archive = Buffer.concat([pax(['mtime', '1.5']), encodeEntry({ ...plain, size: 700 }), Buffer.alloc(1024)]);
  for (const length of [100, 511, 512, 600, 1024, 1100, 1536, 2000, 2236, 2559]) {
    expect([length, classOfReading(archive.subarray(0, length))]).toEqual([length, 'data_loss']);
  }
  expect(classOfReading(archive)).toBe('none');
});

test('a wrong checksum, a lone zero block and an unknown type are refused', () => {
  const broken = Buffer.from(encodeEntry(plain));
  broken[0]! ^= 1;
  expect(classOfReading(broken)).toBe('invalid_argument');
  expect(classOfReading(endOfArchive.subarray(512), encodeEntry(plain))).toBe('invalid_argument');
  expect(classOfReading(header((block) => block.write('M', 156)))).toBe('invalid_argument');
});

test('the sum of signed bytes is a checksum too', () => {
  const block = Buffer.from(encodeEntry({ ...plain, name: 'x' }));
  block[0] = 0xe9;
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + (byte > 127 ? byte - 256 : byte), 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  expect(listTar(block)[0]!.entry.name).toBe('\xe9');
});

test('numbers that are none, or too large, are refused', () => {
  const at = (offset: number, text: string) => classOfReading(header((block) => block.write(text, offset, 'latin1')));
  expect(at(124, '0000000000x')).toBe('invalid_argument');
  expect(at(124, '99999999999')).toBe('invalid_argument');
  // Base 256: negative size, a size beyond 2^53, a negative owner.
  expect(at(124, '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff')).toBe('invalid_argument');
  expect(at(124, '\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff')).toBe('invalid_argument');
  expect(at(108, '\xff\xff\xff\xff\xff\xff\xff\xfe')).toBe('invalid_argument');
  expect(at(108, '\x80\x00\x00\x00\xff\xff\xff\xff')).toBe('invalid_argument');
});

test('base 256 reads what octal cannot hold, also below zero', () => {
  const [member] = listTar(
    header((block) => {
      block.write('\x80\x00\x00\x00\xff\xff\xff\xfe', 108, 'latin1');
      block.write('\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe', 136, 'latin1');
    }),
  );
  expect(member!.entry).toMatchObject({ uid: 4294967294, mtime: { seconds: -2, nanos: 0 } });
});

test('extended headers and names are bounded before they are read', () => {
  const claim = (flag: string, size: number) =>
    header((block) => {
      block.write(flag, 156, 'latin1');
      block.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
    });
  expect(classOfReading(claim('x', maxMetaBytes + 1))).toBe('invalid_argument');
  expect(classOfReading(claim('g', maxMetaBytes + 1))).toBe('invalid_argument');
  expect(classOfReading(claim('L', 4098))).toBe('invalid_argument');
  expect(classOfReading(claim('K', 4098))).toBe('invalid_argument');
  expect(classOfReading(pax(['path', 'x'.repeat(4097)]), encodeEntry(plain))).toBe('invalid_argument');
});

test('malformed extended headers are refused', () => {
  for (const text of [
    'x',
    '5',
    '5 a=',
    '99 a=b\n',
    '6 =b\n\n',
    '6 a b\n',
    '0 a=b\n',
    '7 a=b\n',
    '6 a=b ',
    ' 6 a=b\n',
    '3 \n',
  ]) {
    expect([text, classOfReading(meta('x', Buffer.from(text)), encodeEntry(plain))]).toEqual([
      text,
      'invalid_argument',
    ]);
  }
  for (const record of [
    ['path', 'a\0b'],
    ['size', '-1'],
    ['size', '1e3'],
    ['size', '99999999999999999'],
    ['mtime', 'now'],
    ['uid', '-2'],
  ] as const) {
    expect([record, classOfReading(pax([record[0], record[1]]), encodeEntry(plain))]).toEqual([
      record,
      'invalid_argument',
    ]);
  }
});

test('an extended header without a member is data loss; a global one says nothing about members', () => {
  expect(classOfReading(pax(['mtime', '1.5']), endOfArchive)).toBe('none');
  expect(classOfReading(pax(['mtime', '1.5']))).toBe('data_loss');
  const global = meta('g', Buffer.from(formatPaxRecord('uid', '7')));
  expect(listTar(Buffer.concat([global, encodeEntry(plain)]))[0]!.entry.uid).toBe(0);
});

test('an empty record takes its key back', () => {
  const [member] = listTar(Buffer.concat([pax(['path', 'other'], ['path', '']), encodeEntry(plain)]));
  expect(member!.entry.name).toBe('file');
});

test('sparse maps that overlap, go backwards, leave the file or do not fit the data are refused', () => {
  const sparse = (map: string, size: string, stored = 2) => {
    const records = pax(
      ['GNU.sparse.numblocks', '1'],
      ['GNU.sparse.size', size],
      ['GNU.sparse.map', map],
      ['GNU.sparse.name', 's'],
    );
    return classOfReading(records, encodeEntry({ ...plain, size: stored }), Buffer.alloc(512));
  };
  expect(sparse('10,2', '20')).toBe('none');
  for (const [map, size] of [
    ['10,1,10,1', '20'],
    ['10,1,5,1', '20'],
    ['19,2', '20'],
    ['10,3', '20'],
    ['10', '20'],
    ['-1,2', '20'],
    ['0,2', '-5'],
    ['9007199254740991,2', '9007199254740991'],
    ['a,b', '20'],
  ] as const) {
    expect([map, sparse(map, size)]).toEqual([map, 'invalid_argument']);
  }
  const unknown = pax(['GNU.sparse.major', '2'], ['GNU.sparse.minor', '0']);
  expect(classOfReading(unknown, encodeEntry(plain))).toBe('invalid_argument');
  const version1 = pax(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], ['GNU.sparse.realsize', '20']);
  for (const map of ['99999999\n', '-1\n', '1\n10\n', 'x\n', '9'.repeat(40)]) {
    const block = Buffer.alloc(512, map);
    if (map.length < 20) block.fill(0, map.length);
    expect([map, classOfReading(version1, encodeEntry({ ...plain, size: 512 }), block)]).not.toEqual([map, 'none']);
  }
});

test('what says it is sparse but is no file has no size', () => {
  const records = pax(['GNU.sparse.numblocks', '1'], ['GNU.sparse.size', '20'], ['GNU.sparse.map', '10,2']);
  const [member] = listTar(Buffer.concat([records, encodeEntry({ ...plain, type: 'symlink', linkName: 'a' })]));
  expect(member!.entry).toMatchObject({ type: 'symlink', size: 0 });
});

test('memory stays bounded however often a header repeats, and time is linear', () => {
  const reader = new TarReader({ entry() {}, data() {}, end() {} });
  const one = pax(['comment', 'x'.repeat(1000)]);
  const started = performance.now();
  for (let i = 0; i < 20_000; i++) reader.push(one);
  expect(performance.now() - started).toBeLessThan(30_000);
});

test('paths are cleaned as Go cleans them, and never lead above the root', () => {
  const cases: Record<string, string> = {
    'a/b': 'a/b',
    './a/': 'a',
    '/a//b/./c/': 'a/b/c',
    'a/../b': 'b',
    '../../a': 'a',
    'a/b/../../..': '',
    '.': '',
    './': '',
    '/': '',
    '': '',
    '..': '',
    '...': '...',
    './..a/.b': '..a/.b',
    'a/..': '',
    './/a': 'a',
  };
  for (const [given, wanted] of Object.entries(cases)) expect([given, cleanPath(given)]).toEqual([given, wanted]);
});

test('times keep nine digits and go below zero', () => {
  expect(paxTime('mtime', '1.1234567899')).toEqual({ seconds: 1, nanos: 123456789 });
  expect(paxTime('mtime', '-1.25')).toEqual({ seconds: -2, nanos: 750_000_000 });
  expect(paxTime('mtime', '-3')).toEqual({ seconds: -3, nanos: 0 });
});
