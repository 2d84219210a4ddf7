import { expect, test } from 'bun:test';
import { Introspection as Service } from '#api/services/introspection/v1/introspection_pb';
import type { Introspection, PluginInfo } from '#core/introspection/introspection';
import { faultOf } from '#core/subject';
import { clientOf } from '../grpc-client.ts';
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
const server = { uuid: 'u', pid: 12, pidNamespace: 4026531836, deprecations: [{ id: 'd', message: 'm' }] };

test('plugins and server are told as they are', async () => {
  const asked: unknown[] = [];
  const introspection: Introspection = {
    plugins: async (filters) => {
      asked.push(filters);
      return [working, skipped];
    },
    server: async () => server,
  };
  await using daemon = await inProcess([serveIntrospection(introspection)]);
  const remote = remoteIntrospection(daemon.transport);
  expect(await remote.plugins(['id==zfs'])).toEqual([working, skipped]);
  expect(asked).toEqual([['id==zfs']]);
  expect(await remote.server()).toEqual(server);
  expect(await faultOf(clientOf(Service, daemon.transport).pluginInfo({}))).toBe('not_implemented');
});
