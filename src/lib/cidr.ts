import { isIP } from 'node:net';
import { invalidArgument } from '#base/errors';

/** A network of addresses: `10.4.1.0/24`. */
export interface Cidr {
  readonly family: 4 | 6;
  /** As a number, without what the prefix leaves free. */
  readonly base: bigint;
  readonly prefix: number;
}

const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);

/** @throws invalid_argument, also for a prefix that no network has */
export function parseCidr(text: string): Cidr {
  const [address = '', length = '', ...more] = text.split('/');
  const family = isIP(address);
  if (more.length > 0 || family === 0 || !/^\d{1,3}$/.test(length) || Number(length) > bitsOf(family as 4 | 6))
    throw invalidArgument(`invalid CIDR address: ${text}`);
  const prefix = Number(length);
  const free = BigInt(bitsOf(family as 4 | 6) - prefix);
  return { family: family as 4 | 6, base: (addressToNumber(address) >> free) << free, prefix };
}

export const formatCidr = ({ family, base, prefix }: Cidr): string => `${numberToAddress(base, family)}/${prefix}`;

/** The number of addresses. */
export const sizeOf = ({ family, prefix }: Cidr): bigint => 1n << BigInt(bitsOf(family) - prefix);

export const lastOf = (cidr: Cidr): bigint => cidr.base + sizeOf(cidr) - 1n;

export function contains(cidr: Cidr, address: string): boolean {
  if (isIP(address) !== cidr.family) return false;
  const number = addressToNumber(address);
  return number >= cidr.base && number <= lastOf(cidr);
}

export const overlap = (a: Cidr, b: Cidr): boolean =>
  a.family === b.family && a.base <= lastOf(b) && b.base <= lastOf(a);

/** @throws invalid_argument */
export function addressToNumber(address: string): bigint {
  const family = isIP(address);
  if (family === 4) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  if (family !== 6 || address.includes('%')) throw invalidArgument(`invalid IP address: ${address}`);
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const after = tail === undefined ? [] : groups(tail);
  const before = groups(head);
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after];
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

export function numberToAddress(number: bigint, family: 4 | 6): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((number >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
