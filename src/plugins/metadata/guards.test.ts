import { expect, test } from 'bun:test';
import { setImmediate } from 'node:timers/promises';
import { faultOf } from '#core/subject';
import { KeyLocks } from './key-locks.ts';
import { Pins } from './pins.ts';

const never = new AbortController().signal;

test('a removal waits for no pin, and a pin waits for the removal', async () => {
  const pins = new Pins();
  const order: string[] = [];
  {
    using _one = await pins.pin('k');
    using _two = await pins.pin('k');
    expect(
      await pins.removeUnless(
        'k',
        () => false,
        async () => void order.push('never'),
      ),
    ).toBe(false);
  }
  expect(
    await pins.removeUnless(
      'k',
      () => true,
      async () => void order.push('never'),
    ),
  ).toBe(false);
  const work = Promise.withResolvers<void>();
  const removal = pins.removeUnless(
    'k',
    () => false,
    () => work.promise.then(() => void order.push('removed')),
  );
  const pin = pins.pin('k').then(() => void order.push('pinned'));
  expect(
    await pins.removeUnless(
      'k',
      () => false,
      async () => void order.push('never'),
    ),
  ).toBe(false);
  await setImmediate();
  work.resolve();
  expect(await removal).toBe(true);
  await pin;
  expect(order).toEqual(['removed', 'pinned']);
});

test('a removal that fails leaves the way free', async () => {
  const pins = new Pins();
  const failing = pins.removeUnless(
    'k',
    () => false,
    () => Promise.reject(new Error('no')),
  );
  expect(await faultOf(failing)).toBe('unknown');
  using _ = await pins.pin('k');
  expect(pins.pinned('k')).toBe(true);
});

test('locks are taken in turn, per key, all or none', async () => {
  const locks = new KeyLocks();
  const order: string[] = [];
  const work = async (name: string, keys: string[]) => {
    using _ = await locks.take(keys, never);
    order.push(`${name} in`);
    await setImmediate();
    order.push(`${name} out`);
  };
  await Promise.all([work('1', ['a', 'b']), work('2', ['b', 'a', 'b']), work('3', ['a'])]);
  expect(order).toEqual(['1 in', '1 out', '2 in', '2 out', '3 in', '3 out']);
});

test('who stops waiting holds nothing, and those behind come to their turn', async () => {
  const locks = new KeyLocks();
  const held = await locks.take(['a'], never);
  const given = locks.take(['b', 'a'], AbortSignal.timeout(5));
  const behind = locks.take(['a'], never);
  expect(await faultOf(given)).toBe('deadline_exceeded');
  using _ = await locks.take(['b'], never);
  held[Symbol.dispose]();
  (await behind)[Symbol.dispose]();
});
