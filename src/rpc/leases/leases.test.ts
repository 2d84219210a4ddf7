import { expect, test } from 'bun:test';
import { fault } from '#base/errors';
import { leaseStoreSuite } from '#core/leases/leases.suite';
import { memoryLeases } from '#core/leases/memory';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { inProcess, overTheWire } from '../in-process.ts';
import { remoteLeases } from './client.ts';
import { serveLeases } from './server.ts';

const collector = { collect: async () => ({ elapsedMs: 0, removed: {} }) };

leaseStoreSuite('over the wire', () => overTheWire(serveLeases(memoryLeases(), collector), remoteLeases));

test('a synchronous deletion is done even when the collection fails, and says why it failed', async () => {
  const failing = { collect: () => Promise.reject(fault('resource_exhausted', 'disk')) };
  await using server = await inProcess([serveLeases(memoryLeases(), failing)]);
  const leases = remoteLeases(server.transport);
  const scope = scopeOf('default');
  await leases.create(scope, { id: 'a', labels: {} });
  expect(await faultOf(leases.delete(scope, 'a', { sync: true }))).toBe('resource_exhausted');
  expect(await leases.list(scope)).toEqual([]);
});
