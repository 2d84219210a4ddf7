import { expect, test } from 'bun:test';
import { type ErrorClass, Fault, fault, phrases } from '#base/errors';
import { faultFromRpcStatus, faultFromStatus, rpcStatusOf, statusOf } from './status.ts';

const classes = Object.keys(phrases) as ErrorClass[];

test('every class keeps its class and text on the way through a status', () => {
  for (const cls of classes) {
    const sent = fault(cls, 'image "x"');
    const status = statusOf(sent);
    const received = faultFromStatus(status.code, status.message);
    expect([received.class, received.message]).toEqual([cls, `image "x": ${phrases[cls]}`]);
  }
});

test('the codes are those of gRPC', () => {
  const codes = Object.fromEntries(classes.map((cls) => [cls, statusOf(fault(cls)).code]));
  expect(codes).toEqual({
    unknown: 2,
    invalid_argument: 3,
    not_found: 5,
    already_exists: 6,
    permission_denied: 7,
    resource_exhausted: 8,
    failed_precondition: 9,
    conflict: 9,
    not_modified: 9,
    aborted: 10,
    out_of_range: 11,
    not_implemented: 12,
    internal: 13,
    unavailable: 14,
    data_loss: 15,
    unauthenticated: 16,
    canceled: 1,
    deadline_exceeded: 4,
  });
});

test('a status that lacks the phrase of its class gets it, one that has it does not get it twice', () => {
  expect(faultFromStatus(12, 'unknown method Plugins').message).toBe('unknown method Plugins: not implemented');
  expect(faultFromStatus(5, 'task x: not found').message).toBe('task x: not found');
  expect(faultFromStatus(1, '').message).toBe('context canceled');
  expect(faultFromStatus(99, 'what').class).toBe('unknown');
});

test('what is no fault gets the class of its errno or of its name, and never its stack', () => {
  const enospc = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(statusOf(enospc)).toEqual({ code: 8, message: 'ENOSPC: no space left on device, write: resource exhausted' });
  expect(statusOf(new DOMException('stop', 'AbortError')).code).toBe(1);
  expect(statusOf(new TypeError('x is not a function'))).toEqual({ code: 2, message: 'x is not a function' });
  expect(statusOf('thrown text')).toEqual({ code: 2, message: 'thrown text' });
  expect(statusOf(undefined)).toEqual({ code: 2, message: 'undefined' });
});

test('a text that no header could carry is cut in the middle, and half a character is replaced', () => {
  const long = statusOf(fault('not_found', `image "${'é'.repeat(100_000)}"`));
  expect(long.message.length).toBeLessThan(4200);
  expect(long.message.startsWith('image "é')).toBe(true);
  expect(faultFromStatus(long.code, long.message).message.endsWith(': not found')).toBe(true);
  expect(statusOf(fault('conflict', '\ud800 x')).message).toBe('\ufffd x: conflict');
});

test('google.rpc.Status carries the same', () => {
  const received = faultFromRpcStatus(rpcStatusOf(new Fault('conflict', 'lease x: conflict')));
  expect([received.class, received.message]).toEqual(['conflict', 'lease x: conflict']);
});
