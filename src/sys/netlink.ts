import { constants } from 'node:os';
import { addon } from './addon.ts';

/** A request to the kernel's routing, as bytes; `replies` are not waited for. */
export type NetlinkRequest = Uint8Array;

/** Numbers of the interface. */
const Type = { newLink: 16, deleteLink: 17, newAddress: 20, newRoute: 24 } as const;
const Flag = { request: 1, acknowledge: 4, exclusive: 0x200, create: 0x400 } as const;
const Link = { address: 1, name: 3, mtu: 4, master: 10, info: 18, namespaceFd: 28 } as const;
const LinkInfo = { kind: 1, data: 2 } as const;
const vethPeer = 1;
const Address = { address: 1, local: 2, broadcast: 4 } as const;
const Route = { destination: 1, outInterface: 4, gateway: 5 } as const;
const up = 1;
const inet = 2;

export interface VethPair {
  readonly name: string;
  /** A bridge's interface number. */
  readonly master: number;
  readonly mac: string;
  /** 0: as the kernel has it. */
  readonly mtu: number;
  readonly peer: {
    readonly name: string;
    readonly mac: string;
    /** An open descriptor of the namespace in which it is made. */
    readonly namespaceFd: number;
  };
}

/** Two interfaces that are joined: one in a bridge and up, the other in another namespace and down. */
export const newVethPair = ({ name, master, mac, mtu, peer }: VethPair): NetlinkRequest => {
  const size = mtu === 0 ? [] : [attribute(Link.mtu, u32(mtu))];
  const other = Buffer.concat([
    linkHeader(0, 0),
    attribute(Link.name, text(peer.name)),
    attribute(Link.address, macBytes(peer.mac)),
    ...size,
    attribute(Link.namespaceFd, u32(peer.namespaceFd)),
  ]);
  const info = [attribute(LinkInfo.kind, text('veth')), attribute(LinkInfo.data, attribute(vethPeer, other))];
  return request(Type.newLink, Flag.create | Flag.exclusive, [
    linkHeader(0, up),
    attribute(Link.name, text(name)),
    attribute(Link.address, macBytes(mac)),
    ...size,
    attribute(Link.master, u32(master)),
    attribute(Link.info, Buffer.concat(info)),
  ]);
};

export const linkUp = (index: number): NetlinkRequest => request(Type.newLink, 0, [linkHeader(index, up)]);

export const deleteLink = (name: string): NetlinkRequest =>
  request(Type.deleteLink, 0, [linkHeader(0, 0), attribute(Link.name, text(name))]);

/** An IPv4 address of an interface. */
export const newAddress = (index: number, address: string, prefix: number, broadcast: string): NetlinkRequest =>
  request(Type.newAddress, Flag.create | Flag.exclusive, [
    Buffer.concat([Buffer.of(inet, prefix, 0, 0), u32(index)]),
    attribute(Address.local, ipBytes(address)),
    attribute(Address.address, ipBytes(address)),
    attribute(Address.broadcast, ipBytes(broadcast)),
  ]);

/** An IPv4 route by a gateway; everywhere with a prefix of 0. */
export const newRoute = (index: number, destination: string, prefix: number, gateway: string): NetlinkRequest => {
  const [mainTable, bootProtocol, universe, unicast] = [254, 3, 0, 1];
  return request(Type.newRoute, Flag.create | Flag.exclusive, [
    Buffer.concat([Buffer.of(inet, prefix, 0, 0, mainTable, bootProtocol, universe, unicast), u32(0)]),
    ...(prefix === 0 ? [] : [attribute(Route.destination, ipBytes(destination))]),
    attribute(Route.gateway, ipBytes(gateway)),
    attribute(Route.outInterface, u32(index)),
  ]);
};

/**
 * Makes requests one after the other, in this process's network namespace or in that at a path. All are made, also behind one that fails: what became
 * of each, undefined or its errno's name. @throws where the namespace is not there
 */
export async function netlink(
  path: string | undefined,
  requests: readonly NetlinkRequest[],
): Promise<readonly (string | undefined)[]> {
  const results = await addon.netlink(path ?? null, Buffer.concat(requests), requests.length);
  return Array.from(results, (number) => (number === 0 ? undefined : (names.get(number) ?? `errno ${number}`)));
}

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
);

function request(type: number, flags: number, parts: readonly Uint8Array[]): NetlinkRequest {
  const body = Buffer.concat(parts);
  const bytes = Buffer.alloc(16 + body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags | Flag.request | Flag.acknowledge, 6);
  body.copy(bytes, 16);
  return bytes;
}

function linkHeader(index: number, flags: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(flags, 12);
  return bytes;
}

function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const ipBytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number));
const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
