import { expect, test } from 'bun:test';
import { Deprecations } from '#base/deprecations';
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
const deprecations = new Deprecations();
const introspection = introspectionOf(
  {
    deprecations,
    plugins: () => [
      plugin('io.containerd.snapshotter.v1', 'overlayfs', ['rebase']),
      plugin('io.containerd.snapshotter.v1', 'native'),
      plugin('io.containerd.gc.v1', 'scheduler'),
      { ...plugin('io.test.v1', 'parrot'), answer: async (question) => question },
      { ...plugin('io.test.v1', 'broken'), status: 'error', answer: async (question) => question },
    ],
  },
  'some-uuid',
);
const ids = async (...filters: string[]) => (await introspection.plugins(filters)).map(({ id }) => id);

test('plugins are found by type and id, with the filters that clients send', async () => {
  expect(await ids()).toEqual(['overlayfs', 'native', 'scheduler', 'parrot', 'broken']);
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

test('a plugin is told of by name, and answers questions if it takes any', async () => {
  const question = { typeUrl: 'test.Question', value: new Uint8Array([1]) };
  const told = await introspection.plugin('io.containerd.snapshotter.v1', 'overlayfs');
  expect([told.plugin.capabilities, told.extra]).toEqual([['rebase'], undefined]);
  expect((await introspection.plugin('io.test.v1', 'parrot', question)).extra).toEqual(question);
  expect(await faultOf(introspection.plugin('io.test.v1', 'nobody'))).toBe('not_found');
  expect(await faultOf(introspection.plugin('io.test.v1', 'broken', question))).toBe('failed_precondition');
  expect(await faultOf(introspection.plugin('io.containerd.gc.v1', 'scheduler', question))).toBe('not_implemented');
});

test('what is deprecated and in use is told once each, with when it was last seen', async () => {
  deprecations.note('io.containerd.deprecation/x', 'old');
  deprecations.note('io.containerd.deprecation/x', 'x is old');
  const [only, ...others] = (await introspection.server()).deprecations;
  expect([only?.id, only?.message, others]).toEqual(['io.containerd.deprecation/x', 'x is old', []]);
  expect(Math.abs((only?.lastSeen?.seconds ?? 0) - Date.now() / 1000)).toBeLessThan(60);
});
