import { existsSync } from 'node:fs';
import { invalidArgument } from '#base/errors';
import { networkId } from '#lib/cni/conflists';
import { bridgeChain } from '#lib/cni/default-network';
import type { JsonObject } from '#lib/cni/network-config';
import type { CreateNetworkOptions, IpamConfig } from './create-options.ts';
import { rangesOf } from './subnets.ts';

/** The plugins of a network. Each option has its effect, or is refused. @throws invalid_argument */
export function pluginsFor(wanted: CreateNetworkOptions, configs: readonly IpamConfig[]): readonly JsonObject[] {
  const { driver } = wanted;
  const ipam = ipamOf(wanted, configs);
  if (driver === 'bridge') return bridge(wanted, ipam);
  if (driver === 'macvlan' || driver === 'ipvlan') return [sideBySide(driver, wanted, ipam)];
  throw invalidArgument(`could not find plugin ${driver} in v1 plugin registry: plugin not found`);
}

/** host-local gives addresses out by itself, dhcp asks a server in the network behind the interface. */
function ipamOf(
  { ipamDriver, ipamOptions, internal, driver }: CreateNetworkOptions,
  configs: readonly IpamConfig[],
): JsonObject {
  if (ipamDriver === 'dhcp') {
    if (driver === 'bridge') throw invalidArgument('ipam driver dhcp needs the driver macvlan or ipvlan');
    const known = Object.entries(ipamOptions).map(([key, value]) => {
      if (key === 'daemon-socket-path') return { daemonSocketPath: value };
      throw invalidArgument(`unsupported ipam option ${JSON.stringify(key)} of driver dhcp`);
    });
    return Object.assign({ type: 'dhcp' }, ...known) as JsonObject;
  }
  if (!['default', 'host-local'].includes(ipamDriver))
    throw invalidArgument(`unsupported ipam driver ${JSON.stringify(ipamDriver)}`);
  const [unknown] = Object.keys(ipamOptions);
  if (unknown !== undefined) throw invalidArgument(`unsupported ipam option ${JSON.stringify(unknown)}`);
  const families = configs.map(({ Subnet }) => (Subnet.includes(':') ? '::/0' : '0.0.0.0/0'));
  return {
    type: 'host-local',
    ranges: rangesOf(configs),
    ...(!internal && { routes: [...new Set(families)].map((dst) => ({ dst })) }),
  };
}

const bridgeOptions: Readonly<Record<string, 'mtu' | 'icc' | 'masquerade' | 'name'>> = {
  mtu: 'mtu',
  'com.docker.network.driver.mtu': 'mtu',
  icc: 'icc',
  'com.docker.network.bridge.enable_icc': 'icc',
  'ip-masq': 'masquerade',
  'com.docker.network.bridge.enable_ip_masquerade': 'masquerade',
  'com.docker.network.bridge.name': 'name',
};

function bridge({ name, options, internal, ipv6 }: CreateNetworkOptions, ipam: JsonObject): readonly JsonObject[] {
  let chosen: JsonObject = {};
  for (const [key, value] of Object.entries(options)) {
    const what = bridgeOptions[key];
    if (what === undefined) throw invalidArgument(`unsupported "bridge" network option ${JSON.stringify(key)}`);
    if (what === 'mtu') chosen = { ...chosen, mtu: mtuOf(value) };
    else if (what === 'name') chosen = { ...chosen, bridge: interfaceName(value) };
    else if (what === 'masquerade') chosen = { ...chosen, ipMasq: yesNo(key, value) && !internal };
    // By ports that do not hear each other: `container-network.ts` sees to it where the plugin does not know the word.
    else if (!yesNo(key, value)) chosen = { ...chosen, portIsolation: true };
  }
  const plugin = {
    bridge: `br-${networkId(name).slice(0, 12)}`,
    isGateway: !internal,
    ipMasq: !internal,
    hairpinMode: true,
    ipam,
    ...chosen,
    capabilities: { mac: true, ...(ipv6 && { ips: true }) },
  };
  return bridgeChain(plugin, 'same-bridge', internal);
}

const modes = {
  macvlan: ['bridge', 'vepa', 'passthru', 'private'],
  ipvlan: ['l2', 'l3', 'l3s'],
} as const;

function sideBySide(
  type: 'macvlan' | 'ipvlan',
  { options, internal }: CreateNetworkOptions,
  ipam: JsonObject,
): JsonObject {
  let chosen: JsonObject = {};
  for (const [key, value] of Object.entries(options)) {
    if (key === 'mtu' || key === 'com.docker.network.driver.mtu') chosen = { ...chosen, mtu: mtuOf(value) };
    else if (key === 'parent') chosen = { ...chosen, master: parentOf(value, internal) };
    else if (key === 'mode' || key === `${type}_mode`) chosen = { ...chosen, mode: modeOf(type, value) };
    else throw invalidArgument(`unsupported ${JSON.stringify(type)} network option ${JSON.stringify(key)}`);
  }
  const capabilities = { ips: true, ...(type === 'macvlan' && { mac: true }) };
  return { type, ...chosen, ipam, capabilities };
}

function modeOf(type: keyof typeof modes, value: string): string {
  if (!(modes[type] as readonly string[]).includes(value))
    throw invalidArgument(`unsupported ${type} mode ${JSON.stringify(value)}`);
  return value;
}

function parentOf(name: string, internal: boolean): string {
  if (internal) throw invalidArgument('--internal and parent interface cannot be specified together');
  if (!existsSync(`/sys/class/net/${interfaceName(name)}`))
    throw invalidArgument(`invalid parent interface ${JSON.stringify(name)}: there is none of this name`);
  return name;
}

function interfaceName(name: string): string {
  if (!/^[^/\s:]{1,15}$/.test(name) || name === '.' || name === '..')
    throw invalidArgument(`invalid interface name ${JSON.stringify(name)}`);
  return name;
}

function mtuOf(text: string): number {
  const mtu = Number(text);
  if (!/^\d+$/.test(text) || mtu < 68 || mtu > 65_535) throw invalidArgument(`invalid mtu ${JSON.stringify(text)}`);
  return mtu;
}

function yesNo(key: string, value: string): boolean {
  if (['true', '1', 't', 'TRUE', 'True', 'T'].includes(value)) return true;
  if (['false', '0', 'f', 'FALSE', 'False', 'F'].includes(value)) return false;
  throw invalidArgument(`option ${key}: ${JSON.stringify(value)} is neither true nor false`);
}
