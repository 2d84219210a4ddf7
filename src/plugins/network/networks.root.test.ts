import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { classOf } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { type NetworkAttachment, settingsOf } from '#core/engine/container-settings';
import { scopeOf } from '#core/scope';
import { formatConflist } from '#lib/cni/default-network';
import { ContainerNetworks } from './networks.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-networks-');
});
afterEach(() => rmSync(directory, { recursive: true }));

const scope = scopeOf('n');
const attachment = (network: string): NetworkAttachment => ({ network, aliases: [], ip: '', ip6: '', mac: '' });

function make(write: () => Promise<void>) {
  const settings = {
    ...{ name: 'name', stateDir: join(directory, 'c'), dataStore: directory, streams: {} },
    network: { mode: 'networks', netconfPath: directory, attachments: [], ports: [] },
  };
  const value = Buffer.from(JSON.stringify(settings));
  let container = {
    id: 'c',
    spec: { typeUrl: '', value: Buffer.from('{}') },
    extensions: { berth: { typeUrl: 'berth.engine.v1.ContainerSettings', value } },
  } as unknown as Container;
  const later = () => new Promise((resolve) => setTimeout(resolve, 20));
  const containers = {
    get: async () => container,
    update: async (_: unknown, next: Container) => {
      await later();
      container = next;
    },
  };
  const nothing = async () => {};
  const ports = { take: () => [], give: () => {} };
  const files = { prepare: nothing, ended: nothing, write: nothing, othersChanged: () => {} };
  const log = { error: () => {}, warn: () => {} };
  const records = { write, remove: nothing };
  const runtime = { state: async () => Promise.reject(Object.assign(new Error('no task'), { code: 'ENOENT' })) };
  const networks = new ContainerNetworks({
    ...{ containers, runtime, ports, files, log, netconfPath: directory, namespaces: directory },
    network: { records, ports, files, log, runner: {}, nameServers: {} },
  } as never);
  return { networks, attend: async () => await networks.attendant.attend(scope, container), now: () => container };
}

test('who starts what another is about to start is told so, and takes nothing from him', async () => {
  const held = Promise.withResolvers<void>();
  const { networks, attend } = make(() => held.promise);
  const first = attend();
  first.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await attend().catch(classOf)).toBe('already_exists');
  expect(networks.find({ namespace: 'n', id: 'c' })?.ending).toBeUndefined();
  held.reject(new Error('enough'));
  expect(await first.catch((thrown: Error) => thrown.message)).toBe('enough');
  expect(networks.find({ namespace: 'n', id: 'c' })).toBeUndefined();
});

test('two networks at once are both kept', async () => {
  for (const name of ['one', 'two'])
    writeFileSync(join(directory, `nerdctl-${name}.conflist`), formatConflist(name, {}, [{ type: 'bridge' }]));
  const { networks, now } = make(async () => {});
  await Promise.all(['one', 'two'].map((name) => networks.connect(scope, 'c', attachment(name))));
  expect(settingsOf(now())?.network.attachments.map(({ network }) => network)).toEqual(['one', 'two']);
  await Promise.all(['one', 'two'].map((name) => networks.disconnect(scope, 'c', name)));
  expect(settingsOf(now())?.network.attachments).toEqual([]);
});
