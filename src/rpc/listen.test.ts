import { expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { link, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deferAsync } from '#base/disposal';
import { classOf, messageOf } from '#base/errors';
import { faultOf } from '#core/subject';
import { createGrpcServer } from './grpc-server.ts';
import { isServing } from './health/client.ts';
import { serveHealth } from './health/server.ts';
import { listen } from './listen.ts';
import { openTransport } from './transport.ts';
import { remoteVersion } from './version/client.ts';
import { serveVersion } from './version/server.ts';

async function scratch() {
  const dir = await mkdtemp(join(tmpdir(), 'berth-listen-'));
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

test('a daemon that is not there is said in one line with the address', async () => {
  await using held = await scratch();
  const address = `unix://${held.dir}/none.sock`;
  using transport = openTransport(address);
  const thrown = await remoteVersion(transport).catch((error: unknown) => error);
  expect(classOf(thrown)).toBe('unavailable');
  expect(messageOf(thrown)).toBe(`cannot connect to ${address}: connect ENOENT ${held.dir}/none.sock: unavailable`);
  expect(await isServing(transport)).toBe(false);
});

test('a second server at the same place is refused, one after a crash takes the place over', async () => {
  await using held = await scratch();
  const path = join(held.dir, 'x.sock');
  await using first = createGrpcServer();
  first.mount(serveHealth());
  expect(await listen(first, path)).toBe(`unix://${path}`);
  await using second = createGrpcServer();
  second.mount(serveHealth());
  expect(await faultOf(listen(second, path))).toBe('already_exists');
  using transport = openTransport(path);
  expect(await isServing(transport)).toBe(true);

  const dead = join(held.dir, 'dead.sock');
  await leaveSocket(dead);
  expect(existsSync(dead)).toBe(true);
  await listen(second, `unix://${dead}`);
  using other = openTransport(dead);
  expect(await isServing(other)).toBe(true);
});

test('a connection that was lost is made again', async () => {
  await using held = await scratch();
  const path = join(held.dir, 'x.sock');
  const start = async (version: string) => {
    const server = createGrpcServer();
    server.mount(serveVersion({ version, revision: '' }));
    await listen(server, path);
    return server;
  };
  using transport = openTransport(path);
  const first = await start('1');
  expect((await remoteVersion(transport)).version).toBe('1');
  await first.close();
  expect(await faultOf(remoteVersion(transport))).toBe('unavailable');
  await using _second = await start('2');
  const until = performance.now() + 60_000;
  while (performance.now() < until && (await faultOf(remoteVersion(transport))) !== 'none') await Bun.sleep(20);
  expect((await remoteVersion(transport)).version).toBe('2');
});

test('TCP without TLS is refused on both ends', async () => {
  await using server = createGrpcServer();
  expect(await faultOf(listen(server, 'tcp://127.0.0.1:0'))).toBe('invalid_argument');
  expect(() => openTransport('tcp://127.0.0.1:1')).toThrow('TCP without TLS: invalid argument');
});

/** A socket file whose server died without removing it. */
async function leaveSocket(path: string): Promise<void> {
  const kept = join(path, '..', 'kept.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(kept, resolve));
  await using _ = deferAsync(() => new Promise((resolve) => server.close(() => resolve())));
  await link(kept, path);
}

test('over TLS a server that wants certificates serves those who have one', async () => {
  // Made for tests only, valid for a hundred years; their signer's key is gone.
  const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../test/support/tls', name));
  await using server = createGrpcServer();
  server.mount(serveVersion({ version: '1.7.0', revision: 'x' }));
  const tls = { certificate: pem('server.pem'), key: pem('server.key'), clientCa: pem('ca.pem') };
  const address = await listen(server, 'tcp://127.0.0.1:0', tls);
  expect(address).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
  const ask = async (own: object, at = address) => {
    using transport = openTransport(at, { ca: pem('ca.pem'), ...own });
    return (await remoteVersion(transport, { timeoutMs: 60_000 })).version;
  };
  const client = { certificate: pem('client.pem'), key: pem('client.key') };
  expect(await ask(client)).toBe('1.7.0');
  expect(await ask(client, address.replace('127.0.0.1', 'localhost'))).toBe('1.7.0');
  expect(await faultOf(ask({ ...client, serverName: 'elsewhere' }))).toBe('unavailable');
  expect(await faultOf(ask({ ...client, ca: pem('client.pem') }))).toBe('unavailable');
  expect(await faultOf(ask({}))).toBe('unavailable');
});
