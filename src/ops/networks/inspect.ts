import type { ConnectedContainer } from '#core/networks/networks';
import type { Engine } from '../engine.ts';
import { findNetwork, type Network } from './find.ts';
import { connectedContainers, usersOf } from './users.ts';

/** A network in docker's form. @throws not_found */
export async function inspectNetwork(engine: Engine, word: string): Promise<Readonly<Record<string, unknown>>> {
  const network = await findNetwork(engine, word);
  return dockerForm(network, usersOf(network.name, await connectedContainers(engine)));
}

/** As it stands on disk. @throws not_found */
export async function inspectNetworkFile(engine: Engine, word: string): Promise<Readonly<Record<string, unknown>>> {
  const { file, id, labels } = await findNetwork(engine, word);
  const CNI: unknown = file === undefined ? null : JSON.parse(file.config.source);
  return { CNI, NerdctlID: id, NerdctlLabels: labels, File: file?.path ?? '' };
}

function dockerForm(network: Network, users: readonly ConnectedContainer[]): Readonly<Record<string, unknown>> {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv4: network.ipv4,
    EnableIPv6: network.ipv6,
    IPAM: { Driver: network.ipamDriver, Options: network.ipamOptions, Config: network.ipam },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(users.map((one) => [one.id, endpointOf(network.name, one)])),
    Options: network.options,
    Labels: network.labels,
  };
}

function endpointOf(network: string, { id, name, interfaces }: ConnectedContainer): Readonly<Record<string, string>> {
  const own = interfaces.find((one) => one.network === network);
  const withPrefix = (address = '', prefix = 0) => (address === '' ? '' : `${address}/${prefix}`);
  return {
    Name: name,
    EndpointID: id,
    MacAddress: own?.mac ?? '',
    IPv4Address: withPrefix(own?.ip, own?.prefix),
    IPv6Address: withPrefix(own?.ip6, own?.prefix6),
  };
}
