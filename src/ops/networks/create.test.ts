import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { listNetworks } from '#lib/cni/conflists';
import type { JsonObject } from '#lib/cni/network-config';
import type { Engine } from '../engine.ts';
import { createNetwork } from './create.ts';
import type { CreateNetworkOptions } from './create-options.ts';
import { subnetsOf } from './subnets.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-networks-');
});
afterEach(() => rmSync(directory, { recursive: true }));

const create = (name: string, more: Partial<CreateNetworkOptions> = {}) =>
  createNetwork({ config: { cniNetconfPath: directory }, scope: { namespace: 'ns' } } as unknown as Engine, {
    ...{ name, driver: '', options: {}, ipamDriver: '', ipamOptions: {}, subnets: [], gateways: [], ipRanges: [] },
    ...{ auxAddresses: {}, labels: {}, ipv4: true, ipv6: false, internal: false, attachable: false },
    ...more,
  });
const plugins = async (name: string) =>
  (await listNetworks(directory, 'ns'))
    .find(({ config }) => config.name === name)
    ?.config.plugins.map(({ config }) => config) ?? [];

const ipamOf = (plugin: JsonObject | undefined) =>
  (plugin?.ipam ?? {}) as { ranges?: readonly unknown[]; routes?: unknown };

test('networks that are made at once have subnets of their own', async () => {
  await Promise.all(Array.from({ length: 8 }, (_, at) => create(`n${at}`)));
  const subnets = (await listNetworks(directory, 'ns')).flatMap(subnetsOf).map(({ base }) => base);
  expect(new Set(subnets).size).toBe(8);
});

test('what is asked for is in the plugins', async () => {
  const id = await create('own', {
    subnets: ['10.213.0.0/24'],
    gateways: ['10.213.0.254'],
    ipRanges: ['10.213.0.16/29'],
    auxAddresses: { router: '10.213.0.18' },
    options: { mtu: '1400', icc: 'false', 'com.docker.network.bridge.name': 'mine0' },
  });
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  const [bridge] = await plugins('own');
  expect(bridge).toMatchObject({ bridge: 'mine0', mtu: 1400, portIsolation: true, isGateway: true });
  const usual = { subnet: '10.213.0.0/24', gateway: '10.213.0.254' };
  expect(ipamOf(bridge).ranges).toEqual([
    [
      { ...usual, rangeStart: '10.213.0.16', rangeEnd: '10.213.0.17' },
      { ...usual, rangeStart: '10.213.0.19', rangeEnd: '10.213.0.23' },
    ],
  ]);
  await create('in', { internal: true, ipv6: true });
  const [inner, ...others] = await plugins('in');
  expect(inner).toMatchObject({ isGateway: false, ipMasq: false });
  expect(ipamOf(inner).ranges).toHaveLength(2);
  expect(ipamOf(inner).routes).toBeUndefined();
  expect(others.map(({ type }) => type)).toEqual(['firewall', 'tuning']);
  await create('side', { driver: 'ipvlan', options: { parent: 'lo', mode: 'l3' }, ipamDriver: 'dhcp' });
  expect(await plugins('side')).toMatchObject([{ type: 'ipvlan', master: 'lo', mode: 'l3', ipam: { type: 'dhcp' } }]);
});

test.each([
  ['taken', { name: 'first' }, 'network with name first already exists'],
  ['predefined', { name: 'host' }, 'not permitted on predefined host network'],
  ['a bad name', { name: 'a/b' }, 'invalid network name'],
  ['overlap', { subnets: ['10.213.0.128/25'] }, 'Pool overlaps with other one on this address space'],
  ['bits behind the prefix', { subnets: ['10.214.0.1/24'] }, 'it should be 10.214.0.0/24'],
  ['a gateway elsewhere', { gateways: ['1.2.3.4'] }, 'no matching subnet for gateway 1.2.3.4'],
  ['a range elsewhere', { subnets: ['10.214.0.0/24'], ipRanges: ['10.214.0.0/16'] }, 'no matching subnet for range'],
  ['an unknown driver', { driver: 'overlay' }, 'could not find plugin overlay'],
  ['an unknown option', { options: { x: 'y' } }, 'unsupported "bridge" network option "x"'],
  ['an option that is no number', { options: { mtu: 'big' } }, 'invalid mtu "big"'],
  ['no parent', { driver: 'macvlan', options: { parent: 'nowhere0' } }, 'invalid parent interface'],
  ['an unknown mode', { driver: 'macvlan', options: { mode: 'l2' } }, 'unsupported macvlan mode "l2"'],
  ['an unknown ipam driver', { ipamDriver: 'x' }, 'unsupported ipam driver "x"'],
  ['an ipam option', { ipamOptions: { a: 'b' } }, 'unsupported ipam option "a"'],
  ['dhcp on a bridge', { ipamDriver: 'dhcp' }, 'needs the driver macvlan or ipvlan'],
  ['no addresses', { ipv4: false }, 'IPv4 or IPv6 must be enabled'],
] as const)('%s is refused', async (_, options, words) => {
  await create('first', { subnets: ['10.213.0.0/24'] });
  await expect(create('second', options as Partial<CreateNetworkOptions>)).rejects.toThrow(words);
  expect(await listNetworks(directory, 'ns')).toHaveLength(1);
});
