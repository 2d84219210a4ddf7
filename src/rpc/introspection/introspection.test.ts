import { expect, test } from 'bun:test';
import type { Introspection, PluginInfo } from '#core/introspection/introspection';
import { inProcess } from '../in-process.ts';
import { remoteIntrospection } from './client.ts';
import { serveIntrospection } from './server.ts';

const working: PluginInfo = {
  type: 'io.containerd.snapshotter.v1',
  id: 'overlayfs',
  requires: ['io.containerd.content.v1'],
  platforms: [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm', variant: 'v7', osVersion: '1', osFeatures: ['x'] },
  ],
  exports: { root: '/var/lib' },
  capabilities: ['rebase'],
};
const skipped: PluginInfo = {
  ...working,
  id: 'zfs',
  initError: { class: 'unknown', message: 'no zfs here: skip plugin: unknown' },
};
const answer = { typeUrl: 'a', value: new Uint8Array([2]) };
const server = {
  uuid: 'u',
  pid: 12,
  pidNamespace: 4026531836,
  deprecations: [
    { id: 'd', message: 'm', lastSeen: { seconds: 5, nanos: 6 } },
    { id: 'e', message: 'n' },
  ],
};

test('plugins and server are told as they are', async () => {
  const asked: unknown[] = [];
  const introspection: Introspection = {
    plugins: async (filters) => {
      asked.push(filters);
      return [working, skipped];
    },
    server: async () => server,
    plugin: async (...question) => {
      asked.push(question.slice(0, 3));
      return question[2] === undefined ? { plugin: skipped } : { plugin: working, extra: answer };
    },
  };
  await using daemon = await inProcess([serveIntrospection(introspection)]);
  const remote = remoteIntrospection(daemon.transport);
  expect(await remote.plugins(['id==zfs'])).toEqual([working, skipped]);
  expect(asked).toEqual([['id==zfs']]);
  expect(await remote.server()).toEqual(server);
  const question = { typeUrl: 'q', value: new Uint8Array([1]) };
  expect(await remote.plugin('t', 'i', question)).toEqual({ plugin: working, extra: answer });
  expect(await remote.plugin('t', 'j')).toEqual({ plugin: skipped });
  expect(asked.slice(1)).toEqual([
    ['t', 'i', question],
    ['t', 'j', undefined],
  ]);
});
