import type { NetworkOptions } from '#ops/container/create-options';
import { parseAddHost, parseAddress, parseDnsSearch } from '#ops/container/parse/hosts';
import { checkIp, type NetworkRequest, parseMac, parseNetwork, plainNetwork } from '#ops/container/parse/network';
import { parseExpose, parsePublish } from '#ops/container/parse/ports';
import { FlagFault } from '../../cli/flags.ts';
import type { ContainerInvocation } from './create-options.ts';
import { readAll } from './read-flags.ts';

/** The flags about networks. @throws FlagFault, invalid_argument in docker's words */
export function networkOptions({ flags }: Pick<ContainerInvocation, 'flags'>): NetworkOptions {
  return {
    networks: networks(flags),
    publish: flags.publish.flatMap(parsePublish),
    publishAll: flags['publish-all'],
    expose: flags.expose.flatMap(parseExpose),
    dns: readAll('dns', flags.dns, parseAddress),
    dnsSearch: readAll('dns-search', flags['dns-search'], parseDnsSearch),
    dnsOptions: flags['dns-option'],
    extraHosts: readAll('add-host', flags['add-host'], parseAddHost),
  };
}

/** Addresses and names of flags of their own belong to the first network. */
function networks(flags: ContainerInvocation['flags']): readonly NetworkRequest[] {
  const [first = plainNetwork(''), ...others] = readAll('network', flags.network, parseNetwork);
  const { ip, ip6, 'mac-address': mac, 'network-alias': aliases } = flags;
  const conflict = (own: boolean, name: string, what: string) => {
    if (own) throw new FlagFault(`conflicting options: cannot specify both --${name} and per-network ${what}`);
  };
  conflict(aliases.length > 0 && first.aliases.length > 0, 'network-alias', 'alias');
  conflict(ip !== '' && first.ip !== '', 'ip', 'IPv4 address');
  conflict(ip6 !== '' && first.ip6 !== '', 'ip6', 'IPv6 address');
  conflict(mac !== '' && first.mac !== '', 'mac-address', 'MAC address');
  const merged = {
    ...first,
    aliases: [...first.aliases, ...aliases],
    ip: ip === '' ? first.ip : checkIp(ip, 4),
    ip6: ip6 === '' ? first.ip6 : checkIp(ip6, 6),
    mac: mac === '' ? first.mac : parseMac(mac),
  };
  return [merged, ...others];
}
