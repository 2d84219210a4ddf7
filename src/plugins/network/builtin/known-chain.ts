import { isIPv4 } from 'node:net';
import { type Cidr, parseCidr } from '#lib/cidr';
import type { JsonObject, NetworkConfig } from '#lib/cni/network-config';
import type { Link } from '../record.ts';

/** What a usual chain of plugins comes down to. */
export interface KnownChain {
  readonly network: string;
  readonly bridge: string;
  readonly gateway: string;
  readonly subnet: Cidr;
  /** Addresses that are given, from the first to the last; several parts of one subnet. */
  readonly ranges: readonly (readonly [string, string])[];
  readonly dataDir: string;
  readonly mtu: number;
  readonly masquerade: boolean;
  readonly hairpin: boolean;
  readonly defaultRoute: boolean;
  readonly firewall: boolean;
}

const words = {
  bridge: ['type', 'bridge', 'isGateway', 'ipMasq', 'hairpinMode', 'ipam', 'mtu', 'capabilities', 'portIsolation'],
  ipam: ['type', 'ranges', 'routes', 'dataDir'],
  range: ['subnet', 'gateway', 'rangeStart', 'rangeEnd'],
  portmap: ['type', 'capabilities'],
  firewall: ['type', 'ingressPolicy'],
  tuning: ['type'],
};

/** It becomes a part of paths. */
const bridgeShape = /^\w[\w.-]{0,14}$/;

const onlyHas = (value: object, known: readonly string[]): boolean =>
  Object.keys(value).every((key) => known.includes(key));

/**
 * The chain, where it is one of those that nerdctl writes for IPv4 bridges, in all its words, and the container wants of it what we do ourselves.
 * Undefined where the plugins must be asked.
 */
export function knownChain({ name, cniVersion, plugins }: NetworkConfig, link: Link): KnownChain | undefined {
  const [first, ...rest] = plugins.map(({ config }) => config);
  if (first === undefined || cniVersion !== '1.0.0' || first.type !== 'bridge' || !onlyHas(first, words.bridge))
    return undefined;
  const types = rest.map(({ type }) => type).join(' ');
  if (types !== 'portmap firewall tuning' && types !== 'firewall tuning') return undefined;
  if (!rest.every((one) => onlyHas(one, words[one.type as 'portmap' | 'firewall' | 'tuning']))) return undefined;
  if (rest.find(({ type }) => type === 'firewall')?.ingressPolicy !== 'same-bridge') return undefined;
  const { bridge, ipam, mtu = 0, ipMasq = false, hairpinMode = false } = first;
  const addresses = addressesOf(ipam, name);
  if (
    addresses === undefined ||
    typeof bridge !== 'string' ||
    !bridgeShape.test(bridge) ||
    typeof mtu !== 'number' ||
    first.isGateway !== true
  )
    return undefined;
  if (!plainWishes(link)) return undefined;
  return {
    network: name,
    bridge,
    mtu,
    masquerade: ipMasq === true,
    hairpin: hairpinMode === true,
    firewall: true,
    ...addresses,
  };
}

/** Settings are a client's, and this becomes a word of a rule. */
const isPort = (value: unknown): boolean => Number.isInteger(value) && Number(value) > 0 && Number(value) <= 0xffff;

/** Datagrams have states that the plugin clears away, and IPv6 has rules of its own. */
function plainWishes({ attachment, capabilities }: Link): boolean {
  const ports = (capabilities.portMappings ?? []) as readonly JsonObject[];
  return (
    attachment.ip6 === '' &&
    ports.every(
      ({ protocol, hostIP = '', hostPort, containerPort }) =>
        protocol === 'tcp' && (hostIP === '' || isIPv4(String(hostIP))) && [hostPort, containerPort].every(isPort),
    )
  );
}

type Addresses = Pick<KnownChain, 'subnet' | 'gateway' | 'ranges' | 'dataDir' | 'defaultRoute'>;

function addressesOf(ipam: unknown, network: string): Addresses | undefined {
  if (typeof ipam !== 'object' || ipam === null || !onlyHas(ipam, words.ipam)) return undefined;
  const { type, ranges, routes = [], dataDir = '/var/lib/cni/networks' } = ipam as JsonObject;
  if (type !== 'host-local' || typeof dataDir !== 'string' || !Array.isArray(ranges) || ranges.length !== 1)
    return undefined;
  const [set] = ranges as readonly unknown[];
  if (!Array.isArray(set) || set.length === 0 || !set.every((one: object) => onlyHas(one, words.range)))
    return undefined;
  const parts = set as readonly Readonly<Record<string, string>>[];
  const [{ subnet = '', gateway = '' } = {}] = parts;
  if (gateway === '' || subnet.includes(':') || !parts.every((one) => one.subnet === subnet && one.gateway === gateway))
    return undefined;
  const defaultRoute = JSON.stringify(routes) === '[{"dst":"0.0.0.0/0"}]';
  if (!defaultRoute && JSON.stringify(routes) !== '[]') return undefined;
  return {
    ...{ gateway, defaultRoute, dataDir: `${dataDir}/${network}`, subnet: parseCidr(subnet) },
    ranges: parts.map(({ rangeStart = '', rangeEnd = '' }) => [rangeStart, rangeEnd] as const),
  };
}
