import { expect, test } from 'bun:test';
import { addressToNumber, contains, formatCidr, lastOf, numberToAddress, overlap, parseCidr, sizeOf } from './cidr.ts';

test('networks are read, and written without what the prefix leaves free', () => {
  expect(formatCidr(parseCidr('10.4.1.77/24'))).toBe('10.4.1.0/24');
  expect(formatCidr(parseCidr('fd00:1::5/64'))).toBe('fd00:1::/64');
  expect(formatCidr(parseCidr('0.0.0.0/0'))).toBe('0.0.0.0/0');
  expect(sizeOf(parseCidr('10.0.0.0/30'))).toBe(4n);
  expect(numberToAddress(lastOf(parseCidr('10.0.0.0/30')), 4)).toBe('10.0.0.3');
  for (const bad of ['', '10.0.0.0', '10.0.0.0/33', '10.0.0/8', 'fd00::/129', '10.0.0.0/-1', '10.0.0.0/8/8'])
    expect(() => parseCidr(bad)).toThrow('invalid CIDR address');
});

test('what is inside is known', () => {
  const small = parseCidr('10.4.1.0/24');
  expect(contains(small, '10.4.1.255')).toBe(true);
  expect(contains(small, '10.4.2.0')).toBe(false);
  expect(contains(small, 'fd00::1')).toBe(false);
  expect(overlap(small, parseCidr('10.0.0.0/8'))).toBe(true);
  expect(overlap(parseCidr('10.0.0.0/8'), small)).toBe(true);
  expect(overlap(small, parseCidr('10.4.2.0/24'))).toBe(false);
  expect(overlap(parseCidr('::/0'), small)).toBe(false);
});

test('addresses are numbers', () => {
  for (const address of ['255.0.1.2', '0.0.0.0']) expect(numberToAddress(addressToNumber(address), 4)).toBe(address);
  for (const address of ['::', '::1', 'fd00::1:2', 'fe80::ff:0:0:1'])
    expect(numberToAddress(addressToNumber(address), 6)).toBe(address);
  expect(() => addressToNumber('x')).toThrow('invalid argument');
});
