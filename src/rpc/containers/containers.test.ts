import { expect, test } from 'bun:test';
import { containerStoreSuite } from '#core/containers/containers.suite';
import { memoryContainers } from '#core/containers/memory';
import { scopeOf } from '#core/scope';
import { inProcess, overTheWire } from '../in-process.ts';
import { remoteContainers } from './client.ts';
import { serveContainers } from './server.ts';

containerStoreSuite('over the wire', () => overTheWire(serveContainers(memoryContainers()), remoteContainers));

test('a list may be longer than one message', async () => {
  const store = memoryContainers();
  await using server = await inProcess([serveContainers(store)]);
  const scope = scopeOf('default');
  const spec = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value: new Uint8Array(1 << 20) };
  const rest = { labels: {}, image: '', runtime: { name: 'x' }, snapshotter: '', snapshotKey: '', extensions: {} };
  for (let i = 10; i < 30; i++) await store.create(scope, { id: `c${i}`, spec, sandboxId: '', ...rest });
  const found = await remoteContainers(server.transport).list(scope);
  expect(found.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => `c${i + 10}`));
});
