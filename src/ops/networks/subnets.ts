import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { invalidArgument, isFault, unavailable } from '#base/errors';
import {
  addressToNumber,
  type Cidr,
  contains,
  formatCidr,
  lastOf,
  numberToAddress,
  overlap,
  parseCidr,
} from '#lib/cidr';
import type { NetworkFile } from '#lib/cni/conflists';
import type { JsonObject } from '#lib/cni/network-config';
import type { CreateNetworkOptions, IpamConfig } from './create-options.ts';

/** The first and the last that networks without a wish get: 10.4.0.0/24 is the default network's. */
const pool = Array.from({ length: 255 }, (_, at) => `10.4.${at + 1}.0/24`);

/**
 * The subnets of a new network with what belongs to each, as asked for or as is free.
 * @throws invalid_argument in docker's words; unavailable when no subnet is free
 */
export function chooseSubnets(wanted: CreateNetworkOptions, taken: readonly Cidr[]): readonly IpamConfig[] {
  const subnets = wanted.subnets.map(parseSubnet);
  for (const [at, subnet] of subnets.entries()) {
    if (taken.some((other) => overlap(other, subnet)) || subnets.slice(0, at).some((other) => overlap(other, subnet)))
      throw invalidArgument('invalid pool request: Pool overlaps with other one on this address space');
  }
  if (wanted.ipv4 && !subnets.some(({ family }) => family === 4)) subnets.unshift(freeSubnet(taken));
  if (wanted.ipv6 && !subnets.some(({ family }) => family === 6)) subnets.push(localSubnet(wanted.name, taken));
  if (!wanted.ipv6 && subnets.some(({ family }) => family === 6)) throw invalidArgument('IPv6 subnet without --ipv6');
  if (!wanted.ipv4 && subnets.some(({ family }) => family === 4))
    throw invalidArgument('IPv4 subnet with --ipv4=false');
  if (subnets.length === 0) throw invalidArgument('IPv4 or IPv6 must be enabled');
  refuseStrays(wanted, subnets);
  return subnets.map((subnet) => configOf(subnet, wanted));
}

/** What host-local is told: the subnets' ranges, without the addresses that others have. */
export function rangesOf(configs: readonly IpamConfig[]): readonly (readonly JsonObject[])[] {
  return configs.map(({ Subnet, Gateway = '', IPRange, AuxiliaryAddresses = {} }) => {
    const subnet = parseCidr(Subnet);
    const part = IPRange === undefined ? subnet : parseCidr(IPRange);
    const usual = { subnet: Subnet, ...(Gateway !== '' && { gateway: Gateway }) };
    const others = Object.values(AuxiliaryAddresses).map(addressToNumber);
    if (IPRange === undefined && others.length === 0) return [usual];
    return without(part, subnet, others).map(([from, to]) => ({
      ...usual,
      rangeStart: numberToAddress(from, subnet.family),
      rangeEnd: numberToAddress(to, subnet.family),
    }));
  });
}

/** What is in use: by this machine's addresses and routes, and by other networks. */
export async function takenSubnets(files: readonly NetworkFile[]): Promise<readonly Cidr[]> {
  const addresses = Object.values(networkInterfaces()).flatMap((some = []) => some.flatMap(({ cidr }) => cidr ?? []));
  return [...addresses.map(parseCidr), ...(await routes()), ...files.flatMap(subnetsOf)];
}

/** As a network's file names them. */
export function subnetsOf({ config }: NetworkFile): readonly Cidr[] {
  return config.plugins.flatMap(({ config: { ipam } }) => {
    const { ranges = [], subnet } = (ipam ?? {}) as { readonly ranges?: unknown; readonly subnet?: unknown };
    const sets = Array.isArray(ranges) ? ranges.flat() : [];
    const texts = [...sets.map((range) => (range as { readonly subnet?: unknown } | null)?.subnet), subnet];
    return texts.flatMap((text) => (typeof text === 'string' ? parsed(text) : []));
  });
}

function parsed(text: string): readonly Cidr[] {
  try {
    return [parseCidr(text)];
  } catch {
    return []; // another tool's file
  }
}

function parseSubnet(text: string): Cidr {
  const subnet = parseCidr(text);
  if (formatCidr(subnet) !== text && addressToNumber(text.split('/')[0] ?? '') !== subnet.base)
    throw invalidArgument(`invalid subnet ${text}: it should be ${formatCidr(subnet)}`);
  return subnet;
}

function freeSubnet(taken: readonly Cidr[]): Cidr {
  const free = pool.map(parseCidr).find((one) => !taken.some((other) => overlap(other, one)));
  if (free === undefined) throw unavailable('all predefined address pools have been fully subnetted');
  return free;
}

/** An IPv6 network that is nobody's but this name's. */
function localSubnet(name: string, taken: readonly Cidr[]): Cidr {
  for (let attempt = 0; attempt < 100; attempt++) {
    const digits = createHash('sha256').update(`${name} ${attempt}`).digest('hex');
    const subnet = parseCidr(`fd${digits.slice(0, 2)}:${digits.slice(2, 6)}:${digits.slice(6, 10)}::/64`);
    if (!taken.some((other) => overlap(other, subnet))) return subnet;
  }
  throw unavailable('all predefined address pools have been fully subnetted');
}

function refuseStrays({ gateways, ipRanges, auxAddresses }: CreateNetworkOptions, subnets: readonly Cidr[]): void {
  for (const gateway of gateways)
    if (!subnets.some((subnet) => contains(subnet, gateway)))
      throw invalidArgument(`no matching subnet for gateway ${gateway}`);
  for (const range of ipRanges) {
    const { base, family } = parseCidr(range);
    if (
      !subnets.some(
        (subnet) => contains(subnet, numberToAddress(base, family)) && lastOf(parseCidr(range)) <= lastOf(subnet),
      )
    )
      throw invalidArgument(`no matching subnet for range ${range}`);
  }
  for (const address of Object.values(auxAddresses))
    if (!subnets.some((subnet) => contains(subnet, address)))
      throw invalidArgument(`no matching subnet for aux-address ${address}`);
}

function configOf(subnet: Cidr, wanted: CreateNetworkOptions): IpamConfig {
  const [gateway = numberToAddress(subnet.base + 1n, subnet.family), ...gateways] = wanted.gateways.filter((one) =>
    contains(subnet, one),
  );
  if (gateways.length > 0) throw invalidArgument(`only one gateway can be assigned to subnet ${formatCidr(subnet)}`);
  const [range, ...ranges] = wanted.ipRanges.filter(
    (one) => parseCidr(one).family === subnet.family && overlap(parseCidr(one), subnet),
  );
  if (ranges.length > 0) throw invalidArgument(`only one range can be assigned to subnet ${formatCidr(subnet)}`);
  const others = Object.entries(wanted.auxAddresses).filter(([, address]) => contains(subnet, address));
  return {
    Subnet: formatCidr(subnet),
    ...(range !== undefined && { IPRange: range }),
    Gateway: gateway,
    ...(others.length > 0 && { AuxiliaryAddresses: Object.fromEntries(others) }),
  };
}

/** The parts between addresses that are not to be given away; the network's own first and last are not either. */
function without(part: Cidr, subnet: Cidr, others: readonly bigint[]): readonly (readonly [bigint, bigint])[] {
  const first = part.base === subnet.base ? part.base + 1n : part.base;
  const last = lastOf(part) === lastOf(subnet) && subnet.family === 4 ? lastOf(part) - 1n : lastOf(part);
  const stops = others.filter((one) => one >= first && one <= last).sort((a, b) => (a < b ? -1 : 1));
  const starts = [first, ...stops.map((one) => one + 1n)];
  const ends = [...stops.map((one) => one - 1n), last];
  const found = starts.map((start, at) => [start, ends[at] ?? last] as const).filter(([from, to]) => from <= to);
  if (found.length === 0) throw invalidArgument('no address is left in the range');
  return found;
}

/** The kernel writes them in its own order of bytes. */
async function routes(): Promise<readonly Cidr[]> {
  let text: string;
  try {
    text = await readFile('/proc/net/route', 'utf8');
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return [];
    throw thrown;
  }
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, destination = '', , , , , , mask = ''] = line.split('\t');
      if (!/^[0-9A-F]{8}$/.test(destination) || mask === '00000000') return [];
      const bytes = Buffer.from(destination, 'hex').reverse();
      const ones = Buffer.from(mask, 'hex').reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
      return [parseCidr(`${bytes.join('.')}/${ones}`)];
    });
}
