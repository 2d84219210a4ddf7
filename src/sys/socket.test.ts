import { expect, test } from 'bun:test';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { run } from './process.ts';
import { type PeerCredentials, peerCredentials, peerOf, sendDatagram } from './socket.ts';

const env = { PATH: '/bin:/usr/bin' };

test('a datagram to nobody is an error; a name that is too long too', () => {
  expect(() => sendDatagram('/no/such/socket', 'x')).toThrow('ENOENT');
  expect(() => sendDatagram('@berth-nobody-listens', 'x')).toThrow('ECONNREFUSED');
  expect(() => sendDatagram('x'.repeat(200), 'x')).toThrow('ENAMETOOLONG');
});

test('a datagram arrives, by path and by abstract name', async () => {
  const dir = mkdtempSync('/tmp/berth-dgram-');
  const listen = `use Socket; my $a = shift; $a =~ s/^@/\\0/; alarm 5; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($a)) or die; recv($s, my $got, 100, 0); print $got`;
  for (const name of [join(dir, 's'), `@berth-test-${process.pid}`]) {
    const listening = run(['perl', '-e', listen, name], { env });
    await eventually(() => sendDatagram(name, 'READY=1'));
    expect((await listening).stdout).toBe('READY=1');
  }
  rmSync(dir, { recursive: true });
});

test('a server knows the process at the other end', async () => {
  const dir = mkdtempSync('/tmp/berth-peer-');
  const path = join(dir, 's');
  const seen = Promise.withResolvers<PeerCredentials | undefined>();
  const server = createServer((socket) => {
    seen.resolve(peerOf(socket));
    socket.destroy();
  }).listen(path);
  connect(path).on('error', () => {});
  expect(await seen.promise).toEqual({
    pid: process.pid,
    uid: process.getuid?.() ?? -1,
    gid: process.getgid?.() ?? -1,
  });
  server.close();
  const file = openSync('/dev/null', 'r');
  expect(() => peerCredentials(file)).toThrow('ENOTSOCK');
  closeSync(file);
  rmSync(dir, { recursive: true });
});

async function eventually(attempt: () => void): Promise<void> {
  for (let i = 0; ; i++) {
    try {
      attempt();
      return;
    } catch (error) {
      if (i === 200) throw error;
      await Bun.sleep(20);
    }
  }
}
