import type { NetworkInterface } from '#core/engine/network-state';
import { defaultNetworkName } from '#lib/cni/default-network';
import type { HostsLine } from './hosts-file.ts';
import type { NetworkRecord, SettingsInUse } from './record.ts';

/** The names that a container has in each network, without those that end in the network's own: its name, host name, short id, aliases. */
export function namesOf(settings: SettingsInUse, id: string, aliases: readonly string[]): readonly string[] {
  const { name, hostname, domainname } = settings;
  const full = domainname === '' || hostname === '' ? '' : `${hostname}.${domainname}`;
  return [...new Set([full, hostname, name, id.slice(0, 12), ...aliases])].filter((one) => one !== '');
}

export const interfacesOf = ({ links }: Pick<NetworkRecord, 'links'>): readonly NetworkInterface[] =>
  links.flatMap((link) => (link.interface === undefined ? [] : [link.interface]));

/** A container's hosts: what it was told, itself, and whoever shares a network with it. */
export function hostsLines(own: NetworkRecord, others: Iterable<NetworkRecord>): readonly HostsLine[] {
  const mine = interfacesOf(own);
  const networks = new Set(mine.map(({ network }) => network));
  const theirs = [...others].flatMap((one) => (one === own ? [] : interfacesOf(one)));
  const gateway = mine.find(({ gateway: address }) => address !== '')?.gateway ?? '127.0.0.1';
  return [
    ...extraHosts(own.settings, gateway),
    ...mine.flatMap(linesOf),
    ...theirs.filter(({ network }) => networks.has(network)).flatMap(linesOf),
  ];
}

/** `--add-host`. */
export const extraHosts = ({ network }: Pick<SettingsInUse, 'network'>, gateway: string): readonly HostsLine[] =>
  network.extraHosts.map(({ name, address }) => ({
    address: address === 'host-gateway' ? gateway : address,
    names: [name],
  }));

function linesOf({ ip, ip6, names, network }: NetworkInterface): readonly HostsLine[] {
  const all = network === defaultNetworkName ? names : names.flatMap((name) => [name, `${name}.${network}`]);
  return [ip, ip6].filter((address) => address !== '').map((address) => ({ address, names: all }));
}
