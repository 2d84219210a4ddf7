import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { isFault, unavailable } from '#base/errors';
import { lastOf, numberToAddress } from '#lib/cidr';
import { type JsonObject, parseList } from '#lib/cni/network-config';
import { deleteLink, linkUp, netlink, newAddress, newRoute, newVethPair } from '#sys/netlink';
import type { Link, NetworkRecord } from '../record.ts';
import { Addresses } from './addresses.ts';
import { type KnownChain, knownChain } from './known-chain.ts';
import { Rules, rulesToAdd, rulesToRemove } from './rules.ts';

type Owner = Pick<NetworkRecord, 'namespace' | 'id' | 'netns'>;

/**
 * Does what the usual plugins do, with the same marks on the machine, in a tenth of their time. Bridge and common chains must be there: the plugins
 * themselves make them.
 */
export class BuiltinRunner {
  readonly #rules: Rules;

  constructor(environment: Readonly<Record<string, string>>) {
    this.#rules = new Rules(environment);
  }

  /** Whether it is a chain that we know. */
  knows(link: Link): boolean {
    return knownChain(parseList(Buffer.from(link.conflist)), link) !== undefined;
  }

  /** Whether it is, and everything is there that its containers share. */
  async ready(link: Link): Promise<boolean> {
    const chain = knownChain(parseList(Buffer.from(link.conflist)), link);
    if (chain === undefined) return false;
    if (!existsSync(`/sys/class/net/${chain.bridge}/bridge`) || !(await isOwnAddress(chain.gateway))) return false;
    return await this.#rules.prepared(chain.bridge, { ports: portsOf(link).length > 0 });
  }

  /** What the last plugin would say. @throws unavailable where something is not as the plugins leave it; call `remove` then */
  async add(owner: Owner, link: Link): Promise<JsonObject> {
    const chain = chainOf(link);
    const master = await indexOf(chain.bridge);
    const containerId = idOf(owner);
    const address = await new Addresses(chain).take(containerId, link.ifName, link.attachment.ip);
    const mac = link.attachment.mac || macFor(address);
    const veth = vethName(containerId, link.ifName);
    const ports = portsOf(link);
    // What is under way goes on when another part fails: rules would come after they were taken away.
    const parts = await Promise.allSettled([
      this.#rules.change(rulesToAdd({ chain, containerId, address, ports })),
      connect({ owner, link, chain, master, address, mac, veth }),
      ports.length === 0 ? undefined : writeFile(`/proc/sys/net/ipv4/conf/${chain.bridge}/route_localnet`, '1'),
    ]);
    const failed = parts.find((part) => part.status === 'rejected');
    if (failed !== undefined) {
      // The plugins know the address from the interface only, which may not have it.
      if (parts[0].status === 'fulfilled')
        await this.#rules.change(rulesToRemove({ chain, containerId, address, ports }));
      throw failed.reason;
    }
    return {
      cniVersion: '1.0.0',
      interfaces: [
        { name: chain.bridge },
        { name: veth, mac: hostMac },
        { name: link.ifName, mac, sandbox: owner.netns },
      ],
      ips: [{ interface: 2, address: `${address}/${chain.subnet.prefix}`, gateway: chain.gateway }],
      routes: chain.defaultRoute ? [{ dst: '0.0.0.0/0' }] : [],
      dns: {},
    };
  }

  /** Takes away what `add` made and said. @throws unavailable where something of it had gone; the rest may be there then */
  async remove(owner: Owner, link: Link, address: string): Promise<void> {
    const chain = chainOf(link);
    const containerId = idOf(owner);
    await Promise.all([
      this.#rules.change(rulesToRemove({ chain, containerId, address, ports: portsOf(link) })),
      // From inside, where its name is known whoever made it. With the namespace it has gone too.
      netlink(owner.netns, [deleteLink(link.ifName)]).catch(ignoreMissing),
    ]);
    await new Addresses(chain).give(address, containerId, link.ifName);
  }
}

function ignoreMissing(thrown: unknown): void {
  if (!isFault(thrown, 'not_found')) throw thrown;
}

const idOf = ({ namespace, id }: Owner): string => `${namespace}-${id}`;
const portsOf = ({ capabilities }: Link): readonly JsonObject[] =>
  (capabilities.portMappings ?? []) as readonly JsonObject[];

/** Whether this machine has it, also on a bridge that nothing is plugged into: lists of interfaces leave those out. */
async function isOwnAddress(address: string): Promise<boolean> {
  const lines = (await readFile('/proc/net/fib_trie', 'utf8')).split('\n');
  return lines.some(
    (line, at) => line.endsWith(`|-- ${address}`) && lines[at + 1]?.includes('/32 host LOCAL') === true,
  );
}

/** A bridge takes the lowest address of its ports, unless it has one of its own. */
const hostMac = 'fe:42:00:00:00:01';
/** The same for an address each time: neighbours remember. */
const macFor = (address: string): string =>
  ['02', '42', ...address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':');
const vethName = (containerId: string, ifName: string): string =>
  `veth${createHash('sha256').update(`${containerId} ${ifName}`).digest('hex').slice(0, 8)}`;

function chainOf(link: Link): KnownChain {
  const chain = knownChain(parseList(Buffer.from(link.conflist)), link);
  if (chain === undefined) throw unavailable('a chain of plugins that is not known');
  return chain;
}

async function indexOf(bridge: string): Promise<number> {
  try {
    return Number(await readFile(`/sys/class/net/${bridge}/ifindex`, 'utf8'));
  } catch (thrown) {
    throw isFault(thrown, 'not_found') ? unavailable(`bridge ${bridge} is not there`, thrown) : thrown;
  }
}

interface Connection {
  readonly owner: Owner;
  readonly link: Link;
  readonly chain: KnownChain;
  readonly master: number;
  readonly address: string;
  readonly mac: string;
  readonly veth: string;
}

async function connect({ owner, link, chain, master, address, mac, veth }: Connection): Promise<void> {
  const { subnet, gateway, mtu, hairpin } = chain;
  const namespace = await open(owner.netns);
  try {
    const peer = { name: link.ifName, mac, namespaceFd: namespace.fd };
    const [failed] = await netlink(undefined, [newVethPair({ name: veth, master, mac: hostMac, mtu, peer })]);
    if (failed !== undefined) throw unavailable(`interface ${veth}: ${failed}`);
  } finally {
    await namespace.close();
  }
  const index = Number(await readFile(`/sys/class/net/${veth}/iflink`, 'utf8'));
  if (hairpin) await writeFile(`/sys/class/net/${veth}/brport/hairpin_mode`, '1');
  const [up, addressed, routed] = await netlink(owner.netns, [
    linkUp(index),
    newAddress(index, address, subnet.prefix, numberToAddress(lastOf(subnet), 4)),
    ...(chain.defaultRoute ? [newRoute(index, '0.0.0.0', 0, gateway)] : []),
  ]);
  // Of several networks the first is the way out.
  const wrong = up ?? addressed ?? (routed === 'EEXIST' ? undefined : routed);
  if (wrong !== undefined) throw unavailable(`interface ${link.ifName}: ${wrong}`);
}
