import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { ContainerDeleteSchema } from '#api/events/container_pb';
import { notFound } from '#base/errors';
import { SharedMemory } from './shared-memory.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-shm-');
});
afterEach(() => rmSync(directory, { recursive: true }));

test('only the memory of a container that is gone is taken down, whatever is published', async () => {
  const root = join(directory, 'state');
  for (const path of ['victim', 'state/n/alive', 'state/n/gone']) mkdirSync(join(directory, path), { recursive: true });
  const deleted = (id: string) => toBinary(ContainerDeleteSchema, create(ContainerDeleteSchema, { id }));
  const stop = new AbortController();
  const events = {
    async *subscribe() {
      for (const value of [Buffer.from('garbage'), deleted('../../victim'), deleted('alive'), deleted('gone')])
        yield { namespace: 'n', topic: '/containers/delete', event: { typeUrl: '', value } };
      stop.abort();
    },
  };
  const containers = {
    get: async (_: unknown, id: string) => {
      if (id !== 'alive') throw notFound(id);
      return {};
    },
  };
  await new SharedMemory(root).hear(events as never, containers as never, stop.signal, {} as never);
  expect(['victim', 'state/n/alive', 'state/n/gone'].map((path) => existsSync(join(directory, path)))).toEqual([
    true,
    true,
    false,
  ]);
});
