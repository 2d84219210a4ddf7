import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isFault, unavailable } from '#base/errors';
import { addressToNumber, contains, lastOf, numberToAddress } from '#lib/cidr';
import { lockFile } from '#sys/lock';
import { Turns } from '../turns.ts';
import type { KnownChain } from './known-chain.ts';

const lastReserved = 'last_reserved_ip.0';
const lockPatienceMs = 20_000;
const turns = new Map<string, Turns>();

/** Addresses as the plugin host-local keeps them, and under its lock: a file for each, with whose it is. */
export class Addresses {
  readonly #chain: KnownChain;

  constructor(chain: KnownChain) {
    this.#chain = chain;
  }

  /** Takes the wanted one, or the next that is free. @throws unavailable */
  take(containerId: string, ifName: string, wanted: string): Promise<string> {
    return this.#locked(async (directory) => {
      const taken = new Set(await readdir(directory));
      const found = wanted === '' ? await this.#next(directory, taken) : this.#checked(wanted, taken);
      await writeFile(join(directory, found), ownerText(containerId, ifName), { flag: 'wx', mode: 0o600 });
      if (wanted === '') await writeFile(join(directory, lastReserved), found, { mode: 0o600 });
      return found;
    });
  }

  /** Gives one back. Somebody else's stays. */
  give(address: string, containerId: string, ifName: string): Promise<void> {
    return this.#locked(async (directory) => {
      const path = join(directory, address);
      const owner = await readFile(path, 'utf8').catch(ignoreMissing);
      if (owner?.trim() === ownerText(containerId, ifName)) await rm(path, { force: true });
    });
  }

  #checked(wanted: string, taken: ReadonlySet<string>): string {
    const { subnet, gateway, network } = this.#chain;
    if (!contains(subnet, wanted) || wanted === gateway)
      throw unavailable(`requested IP address ${wanted} is not available in network ${network}`);
    if (taken.has(wanted)) throw unavailable(`Address already in use: ${wanted}`);
    return wanted;
  }

  async #next(directory: string, taken: ReadonlySet<string>): Promise<string> {
    const { ranges, subnet, gateway, network } = this.#chain;
    const bounds = ranges.map(
      ([from, to]) =>
        [
          from === '' ? subnet.base + 1n : addressToNumber(from),
          to === '' ? lastOf(subnet) - 1n : addressToNumber(to),
        ] as const,
    );
    const last = await readFile(join(directory, lastReserved), 'utf8').catch(ignoreMissing);
    const before = last === undefined || !contains(subnet, last.trim()) ? subnet.base : addressToNumber(last.trim());
    const free = (number: bigint): boolean => {
      const address = numberToAddress(number, 4);
      return address !== gateway && !taken.has(address);
    };
    for (const [from, to] of bounds)
      for (let one = from > before ? from : before + 1n; one <= to; one++)
        if (free(one)) return numberToAddress(one, 4);
    for (const [from, to] of bounds)
      for (let one = from; one <= to && one <= before; one++) if (free(one)) return numberToAddress(one, 4);
    throw unavailable(`no IP addresses available in network: ${network}`);
  }

  async #locked<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const { dataDir } = this.#chain;
    const own = turns.get(dataDir) ?? new Turns();
    turns.set(dataDir, own);
    return await own.take(async () => {
      await mkdir(dataDir, { recursive: true, mode: 0o755 });
      using _ = await patientLock(join(dataDir, 'lock'));
      return await work(dataDir);
    });
  }
}

const ownerText = (containerId: string, ifName: string): string => `${containerId}\r\n${ifName}`;

function ignoreMissing(thrown: unknown): undefined {
  if (!isFault(thrown, 'not_found')) throw thrown;
  return undefined;
}

/** The plugin holds it for a moment only. */
async function patientLock(path: string): Promise<Disposable> {
  const until = performance.now() + lockPatienceMs;
  for (;;) {
    try {
      return lockFile(path);
    } catch (thrown) {
      if (!isFault(thrown, 'failed_precondition') || performance.now() > until) throw thrown;
      await wait(2);
    }
  }
}
