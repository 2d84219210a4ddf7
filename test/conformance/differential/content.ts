import { Content, WriteAction } from '#api/services/content/v1/content_pb';
import { Leases } from '#api/services/leases/v1/leases_pb';
import { type Step, step } from './call.ts';
import { bigValue, digestOf, hello, helloDigest, missing } from './names.ts';

const { abort, delete: remove, info, list, listStatuses, read, status, update, write } = Content.method;
const { STAT, WRITE, COMMIT } = WriteAction;
const bytes = Buffer.from(hello);
const pinned = { labels: { 'containerd.io/gc.root': '1' } };

export const content: readonly Step[] = [
  step('no header', info, { digest: missing }, { namespace: null }),
  step('missing', info, { digest: missing }),
  step('a bad digest', info, { digest: 'nonsense' }),
  step('no digest', info, { digest: '' }),
  step('a short digest', info, { digest: 'sha256:abc' }),
  step('an unknown algorithm', info, { digest: 'crc:abc' }),
  step('none', list, {}),
  step('no ref', write, { action: STAT }),
  step('no header', write, { action: STAT, ref: 'r' }, { namespace: null }),
  step('with a lease that is not there', write, { action: STAT, ref: 'r' }, { lease: 'gone' }),
  step('only opened', write, { action: STAT, ref: 'open', total: 12n, expected: helloDigest }),
  step('one', status, { ref: 'open' }, { ours: { code: 0, because: 'the expected digest is told' } }),
  step('all', listStatuses, {}, { ours: { code: 0, because: 'the expected digest is told' } }),
  step(
    'by ref',
    listStatuses,
    { filters: ['ref==open'] },
    { ours: { code: 0, because: 'the expected digest is told' } },
  ),
  step('a bad filter', listStatuses, { filters: ['ref=='] }),
  step('missing', status, { ref: 'gone' }),
  step('no ref', status, { ref: '' }),
  step(
    'a bad expectation',
    write,
    { action: STAT, ref: 'bad', expected: 'nonsense' },
    { ours: { code: 3, because: 'no bytes could ever meet it' } },
  ),
  step('in parts', write, [
    { action: WRITE, ref: 'open', data: bytes.subarray(0, 5) },
    { action: WRITE, data: bytes.subarray(5), offset: 5n },
    { action: STAT },
  ]),
  step('a wrong offset', write, { action: WRITE, ref: 'open', data: bytes, offset: 3n }),
  step(
    'a wrong total at commit',
    write,
    { action: COMMIT, ref: 'open', total: 5n, offset: 12n },
    { ours: { code: 9, because: 'theirs begins the ingest anew where totals differ, and then misses the bytes' } },
  ),
  step('after that', write, { action: STAT, ref: 'open' }),
  step('a wrong digest at commit', write, { action: COMMIT, ref: 'open', expected: missing, offset: 12n }),
  step(
    'an offset of nothing truncates',
    write,
    [
      { action: STAT, ref: 'open' },
      { action: WRITE, data: bytes.subarray(0, 3) },
    ],
    {
      ours: { code: 0, because: 'only the answer to STAT has times; theirs keeps them in the next' },
    },
  ),
  step('whole and commit', write, [
    { action: WRITE, ref: 'open', data: bytes },
    { action: COMMIT, offset: 12n, total: 12n, expected: helloDigest, ...pinned },
  ]),
  step('what is there', write, { action: STAT, ref: 'again', expected: helloDigest }),
  step('what is there, without saying so', write, [
    { action: WRITE, ref: 'again', data: bytes },
    { action: COMMIT, offset: 12n },
  ]),
  step('then', status, { ref: 'again' }),
  step('an expectation that comes later', write, [
    { action: STAT, ref: 'later' },
    { action: WRITE, data: bytes, expected: helloDigest },
  ]),
  step(
    'an unknown action',
    write,
    { action: 9 as WriteAction, ref: 'odd' },
    { ours: { code: 3, because: 'it cannot be done' } },
  ),
  step(
    'a changed ref',
    write,
    [
      { action: STAT, ref: 'one' },
      { action: STAT, ref: 'two' },
    ],
    { ours: { code: 3, because: 'theirs goes on writing into the first' } },
  ),
  step('nothing written, committed', write, { action: COMMIT, ref: 'empty', labels: { 'containerd.io/gc.root': '1' } }),
  step('too big a label', write, [
    { action: WRITE, ref: 'label', data: Buffer.from('x') },
    { action: COMMIT, labels: { key: bigValue } },
  ]),
  step('a label without a value', write, [
    { action: WRITE, ref: 'novalue', data: Buffer.from('y') },
    { action: COMMIT, offset: 1n, labels: { key: '', 'containerd.io/gc.root': 'x' } },
  ]),
  step('of that', info, { digest: digestOf('y') }),
  step('good', info, { digest: helloDigest }),
  step('from elsewhere', info, { digest: helloDigest }, { namespace: 'elsewhere' }),
  step('from elsewhere', read, { digest: helloDigest }, { namespace: 'elsewhere' }),
  step(
    'of another namespace',
    write,
    { action: STAT, ref: 'shared', expected: helloDigest },
    { namespace: 'elsewhere' },
  ),
  step(
    'of another namespace, committed',
    write,
    { action: COMMIT, ref: 'shared', expected: helloDigest, ...pinned },
    { namespace: 'elsewhere' },
  ),
  step('there then', info, { digest: helloDigest }, { namespace: 'elsewhere' }),
  step('all', list, {}),
  step('by size', list, { filters: ['size==12'] }, { ours: { code: 0, because: 'as later releases' } }),
  step('by digest', list, { filters: [`digest==${helloDigest}`] }),
  step('by label', list, { filters: ['labels."containerd.io/gc.root"==1'] }),
  step('a bad filter', list, { filters: ['digest=='] }),
  step('whole', read, { digest: helloDigest }),
  step('a part', read, { digest: helloDigest, offset: 3n, size: 4n }),
  step('beyond the end', read, { digest: helloDigest, offset: 8n, size: 400n }),
  step('from the end', read, { digest: helloDigest, offset: 12n }),
  step('from after the end', read, { digest: helloDigest, offset: 13n }),
  step('from before the start', read, { digest: helloDigest, offset: -5n, size: 2n }),
  step('a negative size', read, { digest: helloDigest, size: -1n }),
  step('missing', read, { digest: missing }),
  step('a bad digest', read, { digest: 'nonsense' }),
  step('labels', update, {
    info: { digest: helloDigest, labels: { 'containerd.io/gc.root': '1', a: 'b' } },
    updateMask: { paths: ['labels'] },
  }),
  step('one label', update, {
    info: { digest: helloDigest, labels: { c: 'd', e: 'f' } },
    updateMask: { paths: ['labels.c'] },
  }),
  step('one away', update, { info: { digest: helloDigest }, updateMask: { paths: ['labels.a'] } }),
  step('no mask', update, { info: { digest: helloDigest, labels: { 'containerd.io/gc.root': '2', empty: '' } } }),
  step('a bad field', update, { info: { digest: helloDigest, labels: { x: 'y' } }, updateMask: { paths: ['size'] } }),
  step('a bad field after a good one', update, {
    info: { digest: helloDigest, labels: { x: 'y' } },
    updateMask: { paths: ['labels.x', 'nope'] },
  }),
  step('too big a label', update, { info: { digest: helloDigest, labels: { key: bigValue } } }),
  step('missing', update, { info: { digest: missing, labels: {} } }),
  step('a bad digest', update, { info: { digest: 'nonsense' } }),
  step('then', info, { digest: helloDigest }),
  step('missing', abort, { ref: 'gone' }),
  step('no ref', abort, { ref: '' }),
  step('good', abort, { ref: 'one' }),
  step('a bad digest', remove, { digest: 'nonsense' }),
  step('missing', remove, { digest: missing }),
  step('good', remove, { digest: helloDigest }),
  step('again', remove, { digest: helloDigest }),
  step('elsewhere still', info, { digest: helloDigest }, { namespace: 'elsewhere' }),
  step('a lease', Leases.method.create, { id: 'l' }),
  step(
    'with a lease',
    write,
    [
      { action: WRITE, ref: 'leased', data: Buffer.from('leased') },
      { action: COMMIT, offset: 6n },
    ],
    { lease: 'l' },
  ),
  step('what is there, with a lease', write, { action: STAT, ref: 'known', expected: digestOf('y') }, { lease: 'l' }),
  step('an ingest with a lease', write, { action: STAT, ref: 'ingest' }, { lease: 'l' }),
  step('of the lease', Leases.method.listResources, { id: 'l' }),
];
