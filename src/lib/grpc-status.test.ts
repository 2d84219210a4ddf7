import { expect, test } from 'bun:test';
import { type ErrorClass, phrases } from '#base/errors';
import { classOfStatus, faultOfStatus, grpcCodeOf } from './grpc-status.ts';

test('every class survives the way there and back', () => {
  for (const cls of Object.keys(phrases) as ErrorClass[]) {
    const there = faultOfStatus(grpcCodeOf(cls), `x: ${phrases[cls]}`);
    expect([there.class, there.message]).toEqual([cls, `x: ${phrases[cls]}`]);
  }
});

test('a message without the phrase of its class gets it, an unknown code is unknown', () => {
  expect(faultOfStatus(5, 'task x').message).toBe('task x: not found');
  expect(faultOfStatus(5, '').message).toBe('not found');
  expect(faultOfStatus(9, 'x').class).toBe('failed_precondition');
  for (const code of [0, -1, 17, 1e9]) expect(classOfStatus(code, '')).toBe('unknown');
});
