import { networkInterfaces } from 'node:os';
import { failedPrecondition, messageOf } from '#base/errors';
import type { PortMapping } from '#core/engine/container-settings';
import { holdPort } from '#sys/network';

const firstFree = 49_153;
const lastFree = 65_535;
const dnsPort = 53;

/** Who has which ports of this machine. A port is held by a socket that is bound and no more, so that nobody else can take it either. */
export class PortBook {
  readonly #held = new Map<string, Disposable[]>();
  /** What no socket holds, because the kernel does not know the protocol, or our own name servers have the port: `udp 0.0.0.0 53`. */
  readonly #noted = new Map<string, string>();
  readonly #ownServers: () => ReadonlySet<string>;
  #next = firstFree;

  /** @param ownServers addresses on which this daemon answers for names, on port 53 */
  constructor(ownServers: () => ReadonlySet<string>) {
    this.#ownServers = ownServers;
  }

  /**
   * Takes ports for an owner, all or none, and says which they are: a host port of 0 is one that is free.
   * @throws failed_precondition in docker's words, for what somebody else has
   */
  take(owner: string, wanted: readonly PortMapping[]): readonly PortMapping[] {
    const held: Disposable[] = [];
    const noted: string[] = [];
    try {
      return wanted.map((one) => {
        const found = one.hostPort === 0 ? this.#anyFree(one, held, noted) : one;
        if (one.hostPort !== 0) this.#holdOne(one, held, noted);
        return found;
      });
    } catch (thrown) {
      for (const one of held.splice(0)) one[Symbol.dispose]();
      noted.splice(0);
      throw thrown;
    } finally {
      this.#held.set(owner, [...(this.#held.get(owner) ?? []), ...held]);
      for (const key of noted) this.#noted.set(key, owner);
    }
  }

  give(owner: string): void {
    for (const one of this.#held.get(owner) ?? []) one[Symbol.dispose]();
    this.#held.delete(owner);
    for (const [key, who] of this.#noted) if (who === owner) this.#noted.delete(key);
  }

  [Symbol.dispose](): void {
    for (const owner of [...this.#held.keys()]) this.give(owner);
  }

  #anyFree(wanted: PortMapping, held: Disposable[], noted: string[]): PortMapping {
    for (let tries = 0; tries <= lastFree - firstFree; tries++) {
      const hostPort = this.#next;
      this.#next = hostPort === lastFree ? firstFree : hostPort + 1;
      const found = { ...wanted, hostPort };
      try {
        this.#holdOne(found, held, noted);
        return found;
      } catch (thrown) {
        if (!messageOf(thrown).includes('port is already allocated')) throw thrown;
      }
    }
    throw failedPrecondition(`Bind for ${wanted.hostIp || '0.0.0.0'} failed: all ports are allocated`);
  }

  /** All of one port's addresses, or none. */
  #holdOne({ hostIp, hostPort, protocol }: PortMapping, held: Disposable[], noted: string[]): void {
    const mine: Disposable[] = [];
    const keys: string[] = [];
    try {
      for (const address of this.#addressesOf(hostIp, hostPort)) {
        const key = `${protocol} ${address} ${hostPort}`;
        if (this.#noted.has(key) || noted.includes(key)) throw inUse(hostIp, hostPort);
        const socket = hold(protocol, address, hostIp, hostPort);
        if (socket === undefined) keys.push(key);
        else mine.push(socket);
      }
    } catch (thrown) {
      for (const one of mine) one[Symbol.dispose]();
      throw thrown;
    }
    held.push(...mine);
    noted.push(...keys);
  }

  #addressesOf(hostIp: string, port: number): readonly string[] {
    if (hostIp !== '' && hostIp !== '0.0.0.0' && hostIp !== '::') return [hostIp];
    const wildcards = hostIp === '' ? ['0.0.0.0', '::'] : [hostIp];
    const own = this.#ownServers();
    if (port !== dnsPort || own.size === 0) return wildcards;
    // A wildcard would meet our own servers: everything but their addresses, then.
    const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
    return all
      .filter(
        ({ address, family, scopeid }) =>
          !own.has(address) && (scopeid ?? 0) === 0 && (hostIp !== '0.0.0.0' || family === 'IPv4'),
      )
      .map(({ address }) => address);
  }
}

/** Undefined where the kernel has no such protocol, or no IPv6. */
function hold(
  protocol: PortMapping['protocol'],
  address: string,
  hostIp: string,
  port: number,
): Disposable | undefined {
  try {
    return holdPort(protocol, address, port);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw inUse(hostIp, port, thrown);
    if (code === 'EAFNOSUPPORT' || code === 'EPROTONOSUPPORT' || code === 'ESOCKTNOSUPPORT') return undefined;
    if (code === 'EADDRNOTAVAIL' && hostIp === '') return undefined; // IPv6 is switched off
    if (code === 'EADDRNOTAVAIL')
      throw failedPrecondition(`Bind for ${hostIp}:${port} failed: cannot assign requested address`, thrown);
    throw thrown;
  }
}

const inUse = (hostIp: string, port: number, cause?: unknown) =>
  failedPrecondition(`Bind for ${shown(hostIp)}:${port} failed: port is already allocated`, cause);

const shown = (hostIp: string): string => (hostIp === '' ? '0.0.0.0' : hostIp.includes(':') ? `[${hostIp}]` : hostIp);
