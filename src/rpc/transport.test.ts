import { expect, test } from 'bun:test';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Version } from '#api/services/version/v1/version_pb';
import { defer } from '#base/disposal';
import { messageOf } from '#base/errors';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import type { Call } from './call.ts';
import { clientOf, withScope } from './grpc-client.ts';
import { createGrpcServer } from './grpc-server.ts';
import { listen } from './listen.ts';
import { defineService } from './service.ts';
import { connectWithin, openTransport } from './transport.ts';

test('a daemon that comes back is reached by the next call, however often it was missed before', async () => {
  await using cleanup = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'berth-transport-'));
  cleanup.defer(() => rm(dir, { recursive: true }));
  const transport = cleanup.use(openTransport(join(dir, 'x.sock')));
  const client = clientOf(Version, transport);
  for (let i = 0; i < 10; i++) expect(await faultOf(client.version({}))).toBe('unavailable');
  const server = cleanup.use(createGrpcServer());
  server.mount(defineService(Version, { version: async () => ({ version: 'back', revision: '' }) }));
  await listen(server, join(dir, 'x.sock'));
  expect((await client.version({})).version).toBe('back');
});

test('who does not answer in time is given up with the address, whether or not somebody listens', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-transport-'));
  using _ = defer(() => rmSync(directory, { recursive: true }));
  const mute = createServer(() => {}).listen(join(directory, 'mute'));
  using __ = defer(() => mute.close());
  await once(mute, 'listening');
  for (const name of ['mute', 'nobody']) {
    using transport = openTransport(join(directory, name));
    const thrown = await connectWithin(transport, 150).then(() => undefined, messageOf);
    expect(thrown).toBe(`connect to ${join(directory, name)}: no answer within 150 ms: unavailable`);
  }
});

test('a plugin behind a socket is told no leases, and a namespace also for what is done to the whole store', async () => {
  await using cleanup = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'berth-transport-'));
  cleanup.defer(() => rm(dir, { recursive: true }));
  const server = cleanup.use(createGrpcServer());
  const answer = ({ namespace, lease = '' }: Call) => ({ version: namespace, revision: lease });
  server.mount(defineService(Version, { version: async (_, call) => answer(call) }));
  const address = await listen(server, join(dir, 'x.sock'));
  const told = async (toPlugin: boolean, namespace: string) => {
    const client = clientOf(Version, cleanup.use(openTransport(address, undefined, { toPlugin })));
    const { version, revision } = await client.version({}, withScope(scopeOf(namespace, { lease: 'l' })));
    return [version, revision];
  };
  expect(await told(false, 'ns')).toEqual(['ns', 'l']);
  expect(await told(true, 'ns')).toEqual(['ns', '']);
  expect(await told(true, '')).toEqual(['default', '']);
});
