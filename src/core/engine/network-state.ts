import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault } from '#base/errors';
import type { NetworkSettings, PortMapping } from './container-settings.ts';

/** How a container is connected at this moment: `network.json` in its state directory, written by the daemon, read by whoever shows it. */
export interface NetworkState {
  readonly mode: NetworkSettings['mode'];
  /** Path of the network namespace; empty once the container has ended. */
  readonly netns: string;
  /** In the order of eth0, eth1, …; none once the container has ended. */
  readonly interfaces: readonly NetworkInterface[];
  /** As they are published now, with the host's ports that were chosen. */
  readonly ports: readonly PortMapping[];
}

export interface NetworkInterface {
  /** eth0. */
  readonly name: string;
  readonly network: string;
  readonly mac: string;
  /** Empty without one, as all addresses here. */
  readonly ip: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly ip6: string;
  readonly prefix6: number;
  readonly gateway6: string;
  /** The names that others of this network find it by. */
  readonly names: readonly string[];
}

export const networkStateFile = 'network.json';

export const noNetworkState: NetworkState = { mode: 'none', netns: '', interfaces: [], ports: [] };

/** Of a container by its state directory; without anything in it where there has been no network yet. */
export async function readNetworkState(stateDir: string): Promise<NetworkState> {
  try {
    return JSON.parse(await readFile(join(stateDir, networkStateFile), 'utf8')) as NetworkState;
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || thrown instanceof SyntaxError) return noNetworkState;
    throw thrown;
  }
}
