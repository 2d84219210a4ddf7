import { expect, test } from 'bun:test';
import {
  conditionalReferences,
  expiry,
  gcFlags,
  isFlat,
  labelBackReferences,
  labelReferences,
  letsGo,
  usedAt,
} from './references.ts';

const gc = (labels: Record<string, string>) =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [`containerd.io/gc.${key}`, value]));
const shown = (nodes: ReturnType<typeof labelReferences>) => nodes.map(({ kind, key }) => `${kind} ${key}`);

test('references are read in all their spellings, and nothing else is', () => {
  const labels = gc({
    'ref.content': 'd1',
    'ref.content.m.0': 'd2',
    'ref.content/x': 'd3',
    'ref.image': 'i1',
    'ref.image.x': 'i2',
    'ref.image/y': 'i3',
    'ref.snapshot.overlayfs': 's1',
    'ref.snapshot.overlayfs/a': 's2',
    'ref.snapshot.my.own': 's3',
    'ref.snapshot': 'no',
    'ref.snapshot.': 'no',
    'ref.contents': 'no',
    'ref.container': 'no',
    'ref.volume': 'no',
    'bref.content': 'no',
    root: 'no',
  });
  const wanted = [
    ...['content d1', 'content d2', 'content d3', 'image i1', 'image i2', 'image i3'],
    ...['snapshot/overlayfs s1', 'snapshot/overlayfs s2', 'snapshot/my.own s3'],
  ];
  expect(shown(labelReferences({ ...labels, 'other.io/gc.ref.content': 'no' }, 'ns'))).toEqual(wanted);
});

test('kinds that somebody looks after can be referred to, and only forwards', () => {
  const labels = gc({
    'ref.stream': 's1',
    'ref.stream.x': 's2',
    'ref.mount/y': 'm',
    'bref.stream': 'no',
    'ref.streams': 'no',
  });
  expect(shown(labelReferences(labels, 'ns', new Set(['stream'])))).toEqual(['other/stream s1', 'other/stream s2']);
  expect(shown(labelBackReferences(labels, 'ns'))).toEqual([]);
});

test('conditions look at how long ago something was used; what is no condition holds nothing', () => {
  const hour = 3_600_000;
  const read = (text: string) =>
    conditionalReferences(gc({ 'cond.snapshot.overlayfs/x': text }), 'ns').map(
      ({ kind, key, holds }) => `${kind} ${key} ${holds(0, hour - 1)} ${holds(0, hour)} ${holds(0, hour + 1)}`,
    );
  expect(read('usedat<1h|k')).toEqual(['snapshot/overlayfs k true false false']);
  expect(read('usedat>1h|k|k')).toEqual(['snapshot/overlayfs k|k false false true']);
  expect(read('other=3,usedat>1h,usedat<30m|k')).toEqual([
    'snapshot/overlayfs k false false true',
    'snapshot/overlayfs k false false false',
  ]);
  for (const bad of ['usedat<1h', 'usedat<=1h|k', 'usedat=1h|k', 'usedat<tomorrow|k', 'size<1h|k', '|k', ''])
    expect(read(bad)).toEqual([]);
  expect(conditionalReferences(gc({ 'cond.snapshot': 'usedat<1h|k', 'cond.snapshot.': 'usedat<1h|k' }), 'ns')).toEqual(
    [],
  );
  expect(usedAt(gc({ 'cond.value-usedat': '1970-01-01T00:00:01Z', 'cond.value-usedat/b': 'now' }))).toEqual([1000]);
});

test('back references may name containers too', () => {
  const labels = gc({
    'bref.container': 'c',
    'bref.content.x': 'd',
    'bref.image/y': 'i',
    'bref.snapshot.s/z': 'k',
    'ref.content': 'no',
  });
  expect(shown(labelBackReferences(labels, 'ns'))).toEqual(['container c', 'content d', 'image i', 'snapshot/s k']);
});

test('flags tell roots, back references and references apart', () => {
  expect(gcFlags({})).toBe(0);
  expect(gcFlags({ a: 'b', 'containerd.io/uncompressed': 'x' })).toBe(0);
  expect(gcFlags(gc({ root: 'x' }))).toBe(1);
  expect(gcFlags(gc({ 'root.why': 'x' }))).toBe(1);
  expect(gcFlags(gc({ 'cond.snapshot.s': 'usedat<1h|k', 'cond.value-usedat': 'x' }))).toBe(4);
  expect(gcFlags(gc({ 'bref.content': 'x' }))).toBe(2);
  expect(gcFlags(gc({ 'ref.content.l.1': 'x', 'ref.image': 'y' }))).toBe(4);
  expect(gcFlags(gc({ root: '', 'bref.image': 'x', 'ref.image': 'y' }))).toBe(7);
});

test('an expiry that is no time is none', () => {
  expect(expiry({})).toBeUndefined();
  expect(expiry(gc({ expire: 'tomorrow' }))).toBeUndefined();
  expect(expiry(gc({ expire: '1970-01-01T00:00:01.5Z' }))).toBe(1500);
  expect(expiry(gc({ expire: '1970-01-01T01:00:01+01:00' }))).toBe(1000);
  expect([isFlat({}), isFlat(gc({ flat: '' })), isFlat(gc({ flat: 'x' }))]).toEqual([false, true, true]);
});

test('only what a label kept before and does not keep now is let go', () => {
  const before = { ...gc({ root: 'x', 'ref.content.0': 'd' }), note: '1' };
  expect(letsGo(before, { ...before, note: '2', ...gc({ 'ref.content.1': 'e' }) })).toBe(false);
  expect(letsGo(before, gc({ root: 'x', 'ref.content.0': 'other' }))).toBe(true);
  expect(letsGo(before, gc({ 'ref.content.0': 'd' }))).toBe(true);
});
