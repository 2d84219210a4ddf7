import { expect, test } from 'bun:test';
import type { PluginReport } from '#core/plugin/daemon-info';
import { faultOf } from '#core/subject';
import { introspectionOf } from './introspection.ts';

const plugin = (type: string, id: string, capabilities: readonly string[] = []): PluginReport => ({
  ...{ type, id, capabilities },
  requires: [],
  platforms: [],
  exports: {},
  status: 'ok',
});
const introspection = introspectionOf(
  {
    plugins: () => [
      plugin('io.containerd.snapshotter.v1', 'overlayfs', ['rebase']),
      plugin('io.containerd.snapshotter.v1', 'native'),
      plugin('io.containerd.gc.v1', 'scheduler'),
    ],
  },
  'some-uuid',
);
const ids = async (...filters: string[]) => (await introspection.plugins(filters)).map(({ id }) => id);

test('plugins are found by type and id, with the filters that clients send', async () => {
  expect(await ids()).toEqual(['overlayfs', 'native', 'scheduler']);
  expect(await ids('type==io.containerd.snapshotter.v1, id==overlayfs')).toEqual(['overlayfs']);
  expect(await ids('type~=io.containerd.gc.*', 'id==native')).toEqual(['native', 'scheduler']);
  expect(await ids('capabilities.rebase')).toEqual(['overlayfs']);
  expect(await ids('nonsense==1')).toEqual([]);
});

test('a malformed filter is refused', async () => {
  expect(await faultOf(introspection.plugins(['type===']))).toBe('invalid_argument');
});

test('the server is this process', async () => {
  expect(await introspection.server()).toMatchObject({ uuid: 'some-uuid', pid: process.pid, deprecations: [] });
  expect((await introspection.server()).pidNamespace).toBeGreaterThan(1);
});
