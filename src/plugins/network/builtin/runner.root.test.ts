import { afterEach, beforeEach, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import { bridgeChain, formatConflist } from '#lib/cni/default-network';
import { makeNetworkNamespace, removeNetworkNamespace } from '#sys/network';
import { interfaceOf } from '../cni-result.ts';
import { CniRunner } from '../cni-runner.ts';
import type { Link } from '../record.ts';
import { BuiltinRunner } from './runner.ts';

const environment = { PATH: `${process.env.PATH}:/usr/sbin` };
const bridge = `zzb${process.pid.toString(36)}`;
const prefix = `10.${230 + (process.pid % 9)}.${process.pid % 250}`;
const address = `${prefix}.9`;
let directory = '';
let owner = { namespace: '', id: '', netns: '' };

beforeEach(async () => {
  directory = mkdtempSync('/tmp/berth-builtin-');
  owner = { namespace: `test-${process.pid}`, id: 'c', netns: join(directory, 'ns') };
  await makeNetworkNamespace(owner.netns);
});
afterEach(async () => {
  await removeNetworkNamespace(owner.netns);
  if (existsSync(`/sys/class/net/${bridge}`)) execFileSync('ip', ['link', 'del', bridge]);
  for (const rule of rules().filter((line) => line.startsWith('-A CNI-ISOLATION') && line.includes(` ${bridge} `)))
    execFileSync('sh', ['-c', `iptables -w ${rule.replace(/^-A/, '-D')}`]);
  rmSync(directory, { recursive: true });
});

const rules = () => execFileSync('iptables-save').toString().split('\n');
/** What the machine has for the container: rules, the interface on the bridge, its address, its place in host-local's books. */
const traces = () => ({
  rules: rules()
    .filter((line) => line.includes(`${prefix}.`) || line.includes(`"${owner.namespace}-c`))
    .sort(),
  ports: existsSync(`/sys/class/net/${bridge}/brif`) ? readdirSync(`/sys/class/net/${bridge}/brif`).length : 0,
  kept: readdirSync(join(directory, 'net')).filter((name) => name.startsWith(prefix)),
});
const inside = () => {
  const ip = (...args: string[]) => execFileSync('nsenter', [`--net=${owner.netns}`, 'ip', '-o', ...args]).toString();
  const [, flags = ''] = /eth0\S* <([^>]*)>/.exec(ip('link', 'show', 'eth0')) ?? [];
  const [, own = ''] = /inet (\S+ brd \S+)/.exec(ip('-4', 'addr', 'show', 'eth0')) ?? [];
  return { flags: flags.split(',').sort(), own, routes: ip('-4', 'route') };
};

function linkOf(): Link {
  const ranges = [[{ subnet: `${prefix}.0/24`, gateway: `${prefix}.1` }]];
  const ipam = { type: 'host-local', dataDir: directory, ranges, routes: [{ dst: '0.0.0.0/0' }] };
  const chain = bridgeChain({ bridge, isGateway: true, ipMasq: true, hairpinMode: true, ipam }, 'same-bridge', false);
  const port = { containerPort: 80, protocol: 'tcp' };
  const portMappings = [
    { ...port, hostPort: 19_180, hostIP: '' },
    { ...port, hostPort: 19_181, hostIP: '127.0.0.1' },
  ];
  return {
    attachment: { network: 'net', aliases: [], ip: address, ip6: '', mac: '' },
    ...{
      ifName: 'eth0',
      conflist: formatConflist('net', {}, chain),
      args: `IgnoreUnknown=1;IP=${address}`,
      nameServer: '',
    },
    capabilities: { portMappings },
  };
}
const runner = (builtin: BuiltinRunner | undefined) =>
  new CniRunner({ path: ['/opt/cni/bin', '/usr/lib/cni'], environment, log: silent, builtin });

test('what we make is what the plugins make, and either takes away what the other made', async () => {
  const link = linkOf();
  const [plugins, own] = [runner(undefined), new BuiltinRunner(environment)];
  const result = await plugins.add(owner, link);
  const linked = { ...link, interface: interfaceOf(result, { name: 'eth0', network: 'net', names: [] }) };
  const [made, within] = [traces(), inside()];
  expect(made.rules.length).toBeGreaterThan(8);
  expect(await own.ready(link)).toBe(true);
  await runner(own).remove(owner, linked);
  expect(traces()).toEqual({ rules: [], ports: 0, kept: [] });
  const ours = interfaceOf(await runner(own).add(owner, link), { name: 'eth0', network: 'net', names: [] });
  expect(ours).toMatchObject({ ip: address, prefix: 24, gateway: `${prefix}.1` });
  expect(ours.mac).toStartWith('02:42:'); // made by us
  expect(traces()).toEqual(made);
  expect(inside()).toEqual(within);
  await expect(own.add({ ...owner, id: 'd' }, link)).rejects.toThrow(`Address already in use: ${address}`);
  await plugins.remove(owner, linked);
  expect(traces()).toEqual({ rules: [], ports: 0, kept: [] });
});

test('what is unusual is left to the plugins', () => {
  const own = new BuiltinRunner(environment);
  const link = linkOf();
  expect(own.knows(link)).toBe(true);
  const changed = (change: (text: string) => string) => own.knows({ ...link, conflist: change(link.conflist) });
  expect(changed((text) => text.replace('"tuning"', '"bandwidth"'))).toBe(false);
  expect(changed((text) => text.replace('"hairpinMode"', '"promiscMode"'))).toBe(false);
  expect(changed((text) => text.replace('same-bridge', 'open'))).toBe(false);
  expect(changed((text) => text.replace('1.0.0', '0.4.0'))).toBe(false);
  expect(own.knows({ ...link, attachment: { ...link.attachment, ip6: 'fd00::1' } })).toBe(false);
  const udp = { portMappings: [{ hostPort: 1, containerPort: 1, protocol: 'udp', hostIP: '' }] };
  expect(own.knows({ ...link, capabilities: udp })).toBe(false);
  const odd = (port: object) => ({
    portMappings: [{ hostPort: 1, containerPort: 1, protocol: 'tcp', hostIP: '', ...port }],
  });
  expect(own.knows({ ...link, capabilities: odd({}) })).toBe(true);
  for (const port of [{ hostIP: '1.2.3.4 -j ACCEPT' }, { hostPort: '1 -j ACCEPT' }, { containerPort: 0x10000 }])
    expect(own.knows({ ...link, capabilities: odd(port) })).toBe(false);
  expect(changed((text) => text.replace(/"bridge": ?"[^"]+"/, '"bridge": "../x"'))).toBe(false);
});
