import { expect, test } from 'bun:test';
import type { Container } from '#core/containers/containers';
import { scopeOf } from '#core/scope';
import { settingsKey, settingsTypeUrl } from './container-settings.ts';
import { removeContainer } from './remove.ts';

test('a container whose settings nobody can read can be removed', async () => {
  const gone: string[] = [];
  const container = {
    ...{ id: 'c', snapshotter: 's', snapshotKey: 'k' },
    extensions: { [settingsKey]: { typeUrl: settingsTypeUrl, value: Buffer.from('{') } },
  } as unknown as Container;
  const parts = {
    containers: { list: async () => [], delete: async (_: unknown, id: string) => void gone.push(id) },
    snapshotter: async () => ({ remove: async (_: unknown, key: string) => void gone.push(key) }),
  };
  await removeContainer(parts, scopeOf('n'), container, { volumes: true });
  expect(gone).toEqual(['k', 'c']);
});
