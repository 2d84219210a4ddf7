import { expect, test } from 'bun:test';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Fields } from '#base/log';
import { DnsCode, packName } from '#lib/dns/message';
import { Frames, framed } from './forwarder.ts';
import { NameBook } from './name-book.ts';
import { NameServers } from './name-servers.ts';
import type { NetworkRecord } from './record.ts';

const nothing = (_: string, __?: Fields) => {};
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => log } as never;
const server = '127.0.83.53';

const record = (network: string, names: readonly string[]) =>
  ({
    links: [
      {
        interface: {
          name: 'eth0',
          network,
          mac: '',
          ip: '127.0.83.2',
          prefix: 24,
          gateway: server,
          ip6: '',
          prefix6: 0,
          gateway6: '',
          names,
        },
      },
    ],
    settings: { network: { dns: { servers: [] } } },
  }) as unknown as NetworkRecord;

const question = (name: string, type: number): Uint8Array =>
  Buffer.concat([Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), packName(name), Buffer.from([0, type, 0, 1])]);
const serversFor = (network: string, names: readonly string[]) =>
  new NameServers({ book: new NameBook(() => [record(network, names)]), log, enabled: true });

const codeOf = async (servers: NameServers, name: string, type: number, asker: string) =>
  ((await servers.answer(question(name, type), { server, asker }))?.bytes[3] ?? 0xf) & 0xf;

test('who is in no network is refused: a gateway can be reached from elsewhere, too', async () => {
  const servers = serversFor('net', ['web']);
  expect(await codeOf(servers, 'web', 1, '192.0.2.7')).toBe(DnsCode.refused);
  expect(await codeOf(servers, 'web', 1, '2001:db8::1')).toBe(DnsCode.refused);
  for (const asker of ['127.0.83.2', '127.0.83.77', server, 'fe80::1%eth0'])
    expect(await codeOf(servers, 'web', 1, asker)).toBe(DnsCode.ok);
});

test('a name that no message has room for is a failure, not silence', async () => {
  expect(await codeOf(serversFor('net..work', ['web']), '2.83.0.127.in-addr.arpa', 12, server)).toBe(DnsCode.failure);
});

test('who sends questions without end is read no faster than he is answered', async () => {
  await using servers = serversFor('net', ['web']);
  let slow = true;
  const answer = servers.answer.bind(servers);
  servers.answer = async (...args) => {
    if (slow) await new Promise((resolve) => setTimeout(resolve, 1));
    return await answer(...args);
  };
  expect(await servers.open(server, 'me')).toBe(true);
  const socket: Socket = connect({ host: server, port: 53 });
  await once(socket, 'connect');
  const one = framed(question('web', 1));
  const many = Buffer.concat(Array.from({ length: 1 << 16 }, () => one));
  let taken = false;
  for (let sent = 0; sent < 16; sent++) socket.write(many, () => (taken = sent === 15));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(taken).toBe(false);
  slow = false;
  const frames = new Frames();
  let got = 0;
  for await (const bytes of socket) {
    got += frames.add(bytes as Buffer).length;
    if (got > 5_000) break;
  }
  expect(got).toBeGreaterThan(5_000);
});
