import { readFile } from 'node:fs/promises';
import { isFault } from '#base/errors';
import type { NetworkSettings } from '#core/engine/container-settings';
import { isLoopback, parseResolvConf, publicServers, type ResolvConf } from '#lib/resolv-conf';

const hostFile = '/etc/resolv.conf';
/** Where systemd-resolved says which servers are behind it. */
const behindResolved = '/run/systemd/resolve/resolv.conf';

/** The machine's own. */
export async function hostResolvConf(): Promise<ResolvConf> {
  return parseResolvConf(await textOf(hostFile));
}

/**
 * What a container's `/etc/resolv.conf` says: what it was told, else what the machine's says.
 * @param nameServer answers for the names of its networks, and asks the others itself; empty without one
 */
export async function resolvConfFor(
  { mode, dns }: Pick<NetworkSettings, 'mode' | 'dns'>,
  nameServer: string,
): Promise<ResolvConf> {
  const host = await hostResolvConf();
  const search = dns.search.length > 0 ? dns.search.filter((one) => one !== '.') : host.search;
  const options = dns.options.length > 0 ? dns.options : host.options;
  if (nameServer !== '') {
    const told = options.some((one) => one.startsWith('ndots:')) ? options : [...options, 'ndots:0'];
    return { servers: [nameServer], search, options: told };
  }
  if (dns.servers.length > 0) return { servers: dns.servers, search, options };
  return { servers: mode === 'host' ? host.servers : await reachable(host), search, options };
}

/** Servers that can be reached from another network namespace. */
async function reachable(host: ResolvConf): Promise<readonly string[]> {
  const usable = (servers: readonly string[]) => servers.filter((one) => !isLoopback(one));
  const own = usable(host.servers);
  if (own.length > 0) return own;
  const behind = usable(parseResolvConf(await textOf(behindResolved)).servers);
  return behind.length > 0 ? behind : publicServers;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return '';
    throw thrown;
  }
}
