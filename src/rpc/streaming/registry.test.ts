import { expect, test } from 'bun:test';
import type { Collectible } from '#core/gc/collectible';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { StreamRegistry } from './registry.ts';

async function* silence() {}

test('collections see the streams with their leases, and may end them', async () => {
  const registry = new StreamRegistry();
  const touched: string[] = [];
  let seen: Collectible | undefined;
  const collecting = registry.collectBy((collectible) => {
    seen = collectible;
    return { touch: (namespace, key) => void touched.push(`${namespace}/${key}`), [Symbol.dispose]: () => {} };
  });
  using _root = registry.open(scopeOf('a'), 'free', silence());
  const held = registry.open(scopeOf('a', { lease: 'l' }), 'held', silence());
  expect(touched).toEqual(['a/free', 'a/held']);
  expect([seen?.kind, ...(seen?.all() ?? [])]).toEqual([
    'stream',
    { namespace: 'a', key: 'free', root: true },
    { namespace: 'a', key: 'held', lease: 'l' },
  ]);
  await seen?.remove('a', 'held');
  await seen?.remove('a', 'held');
  expect(await Array.fromAsync(held.outgoing())).toEqual([]);
  expect(await faultOf((async () => registry.get(scopeOf('a'), 'held'))())).toBe('not_found');
  collecting[Symbol.dispose]();
  registry.open(scopeOf('a'), 'later', silence())[Symbol.dispose]();
  expect(touched.length).toBe(2);
});
