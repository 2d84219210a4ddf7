import { expect, test } from 'bun:test';
import { classOf } from '#base/errors';
import { KeyedLock, Limiter } from './limiter.ts';

const never = new AbortController().signal;
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test('so many enter, the others in order', async () => {
  const limiter = new Limiter(2);
  const order: number[] = [];
  const enter = async (n: number) => {
    const place = await limiter.enter(never);
    order.push(n);
    return place;
  };
  const places = [1, 2, 3, 4].map(enter);
  await settled();
  expect(order).toEqual([1, 2]);
  const first = (await places[0])!;
  first[Symbol.dispose]();
  first[Symbol.dispose](); // twice is once
  await settled();
  expect(order).toEqual([1, 2, 3]);
});

test('one who gives up waiting takes no place', async () => {
  const limiter = new Limiter(1);
  const held = await limiter.enter(never);
  const cancel = new AbortController();
  const waiting = limiter.enter(cancel.signal);
  const next = limiter.enter(never);
  cancel.abort();
  expect(await waiting.then(() => '', classOf)).toBe('canceled');
  held[Symbol.dispose]();
  (await next)[Symbol.dispose]();
  (await limiter.enter(never))[Symbol.dispose]();
});

test('a lock is per key, goes to the next when the holder ends, and is forgotten when unused', async () => {
  const lock = new KeyedLock();
  const a = await lock.enter('a', never);
  (await lock.enter('b', never))[Symbol.dispose]();
  const cancel = new AbortController();
  const given = lock.enter('a', cancel.signal);
  const second = lock.enter('a', never);
  cancel.abort();
  expect(await given.then(() => '', classOf)).toBe('canceled');
  let entered = false;
  second.then(() => {
    entered = true;
  });
  await settled();
  expect(entered).toBe(false);
  a[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  (await lock.enter('a', never))[Symbol.dispose]();
});
