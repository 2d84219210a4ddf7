import { expect, test } from 'bun:test';
import { idOf, Marker } from './marker.ts';
import type { Node } from './node.ts';
import { removalOrder } from './removal-order.ts';

const node = (key: string, flat = false): Node => ({ kind: 'content', namespace: 'n', key, ...(flat && { flat }) });

/** A graph as text: `a b c` says that a refers to b and c. */
function graphOf(...lines: string[]) {
  const edges = new Map(lines.map((line) => [line.split(' ')[0] as string, line.split(' ').slice(1)]));
  const references = ({ key, flat = false }: Node) => (flat ? [] : (edges.get(key) ?? []).map((to) => node(to)));
  return { edges, references };
}

const finish = (marker: Marker) => {
  while (marker.step());
};
const marked = (marker: Marker, keys: string) => [...keys].filter((key) => marker.has(node(key))).join('');

test('what a root refers to is reached, through cycles and over what is not there', () => {
  const marker = new Marker(graphOf('a b', 'b c d', 'c a', 'd missing', 'x y'));
  marker.shade(node('a'));
  finish(marker);
  expect(marked(marker, 'abcdxy')).toBe('abcd');
  expect([marker.idle, marker.has(node('missing'))]).toEqual([true, true]);
});

test('a reference that moves from an unseen object to a finished one is found, for its holder is shaded', () => {
  const graph = graphOf('a', 'b c');
  const marker = new Marker(graph);
  marker.shade(node('b'));
  marker.shade(node('a'));
  marker.step();
  graph.edges.set('a', ['c']);
  graph.edges.set('b', []);
  marker.shade(node('a'));
  finish(marker);
  expect(marked(marker, 'abc')).toBe('abc');
});

test('what is kept flat does not keep others, until it is kept in full', () => {
  const marker = new Marker(graphOf('a b'));
  marker.shade(node('a', true));
  finish(marker);
  expect(marked(marker, 'ab')).toBe('a');
  marker.shade(node('a'));
  finish(marker);
  expect(marked(marker, 'ab')).toBe('ab');
});

const byId = (nodes: readonly Node[]) => new Map(nodes.map((each) => [idOf(each), each]));

function orderOf(keys: string, ...lines: string[]): string {
  const work = removalOrder(byId([...keys].map((key) => node(key))), graphOf(...lines));
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value.map(({ key }) => key).join('');
  }
}

test('garbage goes before what it refers to, however it is given', () => {
  const before = (order: string, ...pairs: string[]) =>
    pairs.filter(([from = '', to = '']) => order.indexOf(from) >= order.indexOf(to));
  for (const given of ['abcd', 'dcba', 'bdac']) {
    const order = orderOf(given, 'a b c', 'b d', 'c d');
    expect([...order].sort().join('')).toBe('abcd');
    expect(before(order, 'ab', 'ac', 'bd', 'cd')).toEqual([]);
  }
  expect([...orderOf('ab', 'a b', 'b a')].sort().join('')).toBe('ab');
  expect(orderOf('ab', 'a x b', 'x a')).toBe('ab');
});

test('a chain of a hundred thousand needs no deep stack', () => {
  const keys = Array.from({ length: 100_000 }, (_, i) => node(String(i)));
  const references = ({ key }: Node) => (Number(key) < 99_999 ? [node(String(Number(key) + 1))] : []);
  const marker = new Marker({ references });
  marker.shade(node('0'));
  finish(marker);
  expect(marker.has(node('99999'))).toBe(true);
  const work = removalOrder(byId(keys.toReversed()), { references });
  let step = work.next();
  while (step.done !== true) step = work.next();
  expect(step.value.slice(0, 2).map(({ key }) => key)).toEqual(['0', '1']);
});
