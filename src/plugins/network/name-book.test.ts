import { expect, test } from 'bun:test';
import { packName, parseQuery } from '#lib/dns/message';
import { NameBook } from './name-book.ts';
import type { NetworkRecord } from './record.ts';

const at = (network: string, ip: string, names: readonly string[], ip6 = '') => ({
  interface: {
    name: 'eth0',
    network,
    mac: '',
    ip,
    prefix: 24,
    gateway: ip.replace(/\d+$/, '1'),
    ip6,
    prefix6: 64,
    gateway6: '',
    names,
  },
});
const record = (servers: readonly string[], ...links: readonly unknown[]) =>
  ({ links, settings: { network: { dns: { servers } } } }) as unknown as NetworkRecord;

const book = new NameBook(() => [
  record([], at('front', '10.0.1.2', ['Web', 'alias']), at('back', '10.0.2.2', ['web'])),
  record(['9.9.9.9'], at('front', '10.0.1.3', ['peer', 'alias'], 'fd00:0::3')),
  record([], at('back', '10.0.2.9', ['db'])),
]);
const ask = (name: string, type: number, asker = '10.0.1.3') =>
  book.answer(
    parseQuery(
      Buffer.concat([Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), packName(name), Buffer.from([0, type, 0, 1])]),
    ),
    { server: '10.0.1.1', asker },
  );
const addresses = (...args: Parameters<typeof ask>) =>
  ask(...args)?.records.map((one) => ('address' in one ? one.address : one.name));

test('each sees who is in his networks, and nobody else', () => {
  expect(addresses('WEB', 1)).toEqual(['10.0.1.2']);
  expect(addresses('web', 1, '10.0.1.2')).toEqual(['10.0.1.2', '10.0.2.2']);
  expect(addresses('web.back', 1)).toBeUndefined();
  expect(addresses('db', 1)).toBeUndefined();
  expect(addresses('db', 1, '10.0.1.2')).toEqual(['10.0.2.9']);
  // Somebody unknown: what is in the network of the server that he asked.
  expect(addresses('alias.front', 1, '10.0.1.77')).toEqual(['10.0.1.2', '10.0.1.3']);
});

test('a name without such an address has no answer, and is known', () => {
  expect(addresses('peer', 28)).toEqual(['fd00:0::3']);
  expect(addresses('web', 28)).toEqual([]);
  expect(addresses('web', 16)).toEqual([]);
});

test('addresses have names', () => {
  expect(addresses('2.1.0.10.in-addr.arpa', 12)).toEqual(['Web.front']);
  expect(addresses('9.2.0.10.in-addr.arpa', 12)).toBeUndefined();
});

test('a container is asked for by the servers that it was given', () => {
  expect(book.serversOf({ server: '', asker: '10.0.1.3' })).toEqual(['9.9.9.9']);
  expect(book.serversOf({ server: '', asker: '10.0.1.2' })).toEqual([]);
});
