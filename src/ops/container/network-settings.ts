import { isAbsolute } from 'node:path';
import { invalidArgument } from '#base/errors';
import type { NetworkSettings, PortMapping } from '#core/engine/container-settings';
import type { Engine } from '../engine.ts';
import { resolveNetworks } from '../networks/resolve.ts';
import type { NetworkOptions } from './create-options.ts';
import { findContainer } from './find.ts';
import { chooseHostPorts } from './host-ports.ts';
import { checkIp } from './parse/network.ts';
import { type ExposedPort, parseExpose } from './parse/ports.ts';

/** How a container is in networks. @throws invalid_argument in docker's words for what does not go together; not_found */
export async function networkSettings(
  engine: Engine,
  options: NetworkOptions,
  imagePorts: readonly string[],
): Promise<NetworkSettings> {
  const { networks = [], dns, dnsSearch, dnsOptions, extraHosts = [], publish = [] } = options;
  const { config } = engine;
  const common = {
    dns: {
      servers: given(dns) ?? config.dns.servers,
      search: given(dnsSearch)?.filter((domain) => domain !== '.') ?? config.dns.search,
      options: given(dnsOptions) ?? config.dns.options,
    },
    extraHosts: extraHosts.map(({ name, address }) => ({
      name,
      address: address === 'host-gateway' && config.hostGatewayIp !== '' ? config.hostGatewayIp : address,
    })),
  };
  const [first] = networks;
  const name = first?.name || 'bridge';
  const special = await specialMode(engine, name);
  if (special === undefined)
    return {
      mode: 'networks',
      target: '',
      ...(await resolveNetworks(engine, attachments(networks))),
      ports: await ports(engine, options, imagePorts),
      ...common,
    };
  if (networks.length > 1)
    throw invalidArgument(`conflicting options: cannot attach both user-defined and non-user-defined network-modes`);
  if (first !== undefined && (first.ip !== '' || first.ip6 !== ''))
    throw invalidArgument(
      'invalid config for network: user specified IP address is supported on user defined networks only',
    );
  if (first !== undefined && first.aliases.length > 0)
    throw invalidArgument('network-scoped aliases are only supported for user-defined networks');
  if (special.mode === 'container') {
    if (publish.length > 0 || options.publishAll)
      throw invalidArgument('conflicting options: port publishing and the container type network mode');
    if (extraHosts.length > 0)
      throw invalidArgument('conflicting options: custom host-to-IP mapping and the network mode');
    if (given(dns) !== undefined) throw invalidArgument('conflicting options: dns and the network mode');
    if ((options.expose ?? []).length > 0)
      throw invalidArgument('conflicting options: port exposing and the container type network mode');
  }
  // docker says so, and goes on: the machine's network has all ports already.
  return { ...special, attachments: [], ports: [], ...common };
}

/** What every port is published for that has no host to be published on. */
export const discardsPorts = ({ mode }: NetworkSettings, { publish = [], publishAll }: NetworkOptions): boolean =>
  mode !== 'networks' && (publish.length > 0 || publishAll === true);

async function specialMode(
  engine: Engine,
  name: string,
): Promise<Pick<NetworkSettings, 'mode' | 'target'> | undefined> {
  if (name === 'host' || name === 'none') return { mode: name, target: '' };
  if (name.startsWith('container:')) {
    const word = name.slice('container:'.length);
    if (word === '') throw invalidArgument('Invalid network mode: invalid container format container:<name|id>');
    return { mode: 'container', target: (await findContainer(engine, word)).id };
  }
  if (!name.startsWith('ns:')) return undefined;
  const path = name.slice('ns:'.length);
  if (!isAbsolute(path)) throw invalidArgument(`network ${name}: the path of a network namespace is absolute`);
  return { mode: 'path', target: path };
}

function attachments(networks: NonNullable<NetworkOptions['networks']>): NetworkSettings['attachments'] {
  const all = (networks.length === 0 ? [undefined] : networks).map((request) => {
    if (request !== undefined && request.linkLocalIps.length > 0)
      throw invalidArgument('link-local-ip: no network here gives link-local addresses');
    const { name = '', aliases = [], ip = '', ip6 = '', mac = '' } = request ?? {};
    const network = name === '' || name === 'default' ? 'bridge' : name;
    if (/^(host|none|container:.*|ns:.*)$/.test(network))
      throw invalidArgument('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
    if (network === 'bridge' && aliases.length > 0)
      throw invalidArgument('network-scoped aliases are only supported for user-defined networks');
    if (ip !== '') checkIp(ip, 4);
    if (ip6 !== '') checkIp(ip6, 6);
    return { network, aliases, ip, ip6, mac };
  });
  const twice = all.find(({ network }, at) => all.findIndex((other) => other.network === network) !== at);
  if (twice !== undefined)
    throw invalidArgument(`network ${JSON.stringify(twice.network)} is specified multiple times`);
  return all;
}

async function ports(
  engine: Engine,
  options: NetworkOptions,
  imagePorts: readonly string[],
): Promise<readonly PortMapping[]> {
  const { publish = [], publishAll = false } = options;
  const mapped = await chooseHostPorts(engine, publish);
  if (!publishAll) return mapped;
  const has = ({ port, protocol }: ExposedPort) =>
    mapped.some((one) => one.containerPort === port && one.protocol === protocol);
  const rest = exposedPorts(options, imagePorts).filter((one) => !has(one));
  return [...mapped, ...rest.map(({ port, protocol }) => ({ hostIp: '', hostPort: 0, containerPort: port, protocol }))];
}

/** All ports that a container says that it serves: the image's, those asked for, those published. */
export function exposedPorts(
  { expose = [], publish = [] }: NetworkOptions,
  imagePorts: readonly string[],
): readonly ExposedPort[] {
  const all = [
    ...imagePorts.flatMap(parseExpose),
    ...expose,
    ...publish.map(({ containerPort, protocol }) => ({ port: containerPort, protocol })),
  ];
  const seen = new Set<string>();
  return all.filter(({ port, protocol }) => {
    const key = `${port}/${protocol}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

const given = <T>(list: readonly T[] | undefined): readonly T[] | undefined =>
  list === undefined || list.length === 0 ? undefined : list;
