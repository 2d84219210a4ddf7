import { isIP } from 'node:net';
import type { NetworkInterface } from '#core/engine/network-state';
import { contains, parseCidr } from '#lib/cidr';
import {
  addressInName,
  canonicalAddress,
  DnsCode,
  type DnsQuery,
  type DnsRecord,
  DnsType,
  dnsInternet,
} from '#lib/dns/message';
import { isLoopback } from '#lib/resolv-conf';
import { interfacesOf } from './names.ts';
import type { NetworkRecord } from './record.ts';

/** Short: a container that comes back has another address. */
const ttl = 5;

export interface Asked {
  /** Which of our servers was asked, and by whom: addresses. */
  readonly server: string;
  readonly asker: string;
}

/** Answers for the names of containers: to each that of the networks that it is in. */
export class NameBook {
  readonly #everybody: () => Iterable<NetworkRecord>;

  constructor(everybody: () => Iterable<NetworkRecord>) {
    this.#everybody = everybody;
  }

  /** Undefined for what is not ours to answer. */
  answer(query: DnsQuery, asked: Asked): { readonly code: number; readonly records: readonly DnsRecord[] } | undefined {
    if (query.class !== dnsInternet) return undefined;
    const visible = this.#visible(asked);
    const address = addressInName(query.name);
    const records = address === undefined ? addressesOf(query, visible) : namesOf(query, address, visible);
    return records === undefined ? undefined : { code: DnsCode.ok, records };
  }

  /** Whether it is somebody in one of the networks, or this machine itself: others' packets may reach a gateway's address, too. */
  mayAsk({ server, asker }: Asked): boolean {
    if (asker === server || isLoopback(asker) || isOfLink(asker) || this.#recordOf(asker) !== undefined) return true;
    for (const record of this.#everybody())
      for (const { ip, prefix, ip6, prefix6 } of interfacesOf(record))
        if (isIn(asker, ip, prefix) || isIn(asker, ip6, prefix6)) return true;
    return false;
  }

  /** The servers that a container was told to ask, if it was told. */
  serversOf({ asker }: Asked): readonly string[] {
    return this.#recordOf(asker)?.settings.network.dns.servers ?? [];
  }

  /** Everybody in the networks of who asks; where he is nobody we know, in those of the server that he asked. */
  #visible({ server, asker }: Asked): readonly NetworkInterface[] {
    const own = this.#recordOf(asker);
    const all = [...this.#everybody()].flatMap(interfacesOf);
    const mine =
      own === undefined ? all.filter((one) => one.gateway === server || one.gateway6 === server) : interfacesOf(own);
    const networks = new Set(mine.map(({ network }) => network));
    return all.filter(({ network }) => networks.has(network));
  }

  #recordOf(address: string): NetworkRecord | undefined {
    for (const record of this.#everybody())
      if (
        interfacesOf(record).some(({ ip, ip6 }) => ip === address || (ip6 !== '' && canonicalAddress(ip6) === address))
      )
        return record;
    return undefined;
  }
}

/** Nobody forwards packets from such an address. */
const isOfLink = (asker: string): boolean => /^fe[89ab][\da-f]:/.test(asker);
const isIn = (asker: string, address: string, prefix: number): boolean =>
  isIP(asker) !== 0 && isIP(asker) === isIP(address) && contains(parseCidr(`${address}/${prefix}`), asker);

function addressesOf({ name, type }: DnsQuery, visible: readonly NetworkInterface[]): readonly DnsRecord[] | undefined {
  const found = visible.filter(({ names, network }) =>
    names.some((one) => {
      const own = one.toLowerCase();
      return own === name || `${own}.${network.toLowerCase()}` === name;
    }),
  );
  if (found.length === 0) return undefined;
  const wants = (one: number) => type === one || type === DnsType.ANY;
  return [
    ...(wants(DnsType.A) ? found.map(({ ip }) => ({ type: 'A', address: ip, ttl }) as const) : []),
    ...(wants(DnsType.AAAA) ? found.map(({ ip6 }) => ({ type: 'AAAA', address: ip6, ttl }) as const) : []),
  ].filter(({ address }) => address !== '');
}

function namesOf(
  { type }: DnsQuery,
  address: string,
  visible: readonly NetworkInterface[],
): readonly DnsRecord[] | undefined {
  const found = visible.find(({ ip, ip6 }) => ip === address || (ip6 !== '' && canonicalAddress(ip6) === address));
  if (found === undefined) return undefined;
  const [first = ''] = found.names.filter((one) => /^[^.]{1,63}$/.test(one));
  if (first === '' || (type !== DnsType.PTR && type !== DnsType.ANY)) return [];
  return [{ type: 'PTR', name: `${first}.${found.network}`, ttl }];
}
