import { expect, test } from 'bun:test';
import { Waits } from './exits.ts';

const one = { namespace: 'ns', id: 'c' };

test('who hardly runs waits twice as long each time, up to the longest wait', () => {
  const waits = new Waits(1_000);
  let at = 0;
  const seen = Array.from({ length: 6 }, () => {
    const waitMs = waits.after(one, at);
    at += waitMs + 50;
    return waitMs;
  });
  expect(seen).toEqual([100, 200, 400, 800, 1000, 1000]);
});

test('who has run for a while begins anew, and is forgotten', () => {
  const waits = new Waits(60_000);
  expect(waits.after(one, 0)).toBe(100);
  expect(waits.after(one, 1_000)).toBe(200);
  expect(waits.after(one, 20_000)).toBe(100);
  waits.after({ namespace: 'ns', id: 'd' }, 40_000);
  expect(waits.size).toBe(1);
});
