import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { alreadyExists, invalidArgument, isFault } from '#base/errors';
import { formatTimestamp, now } from '#base/timestamp';
import { listNetworks, networkId, networkPath, writeNetwork } from '#lib/cni/conflists';
import { formatConflist } from '#lib/cni/default-network';
import { lockFile } from '#sys/lock';
import type { Engine } from '../engine.ts';
import type { CreateNetworkOptions, NetworkNote } from './create-options.ts';
import { pluginsFor } from './drivers.ts';
import { refusePredefined } from './find.ts';
import { chooseSubnets, takenSubnets } from './subnets.ts';

/**
 * Describes a new network on disk, and returns its id; nothing is made before the first container comes into it. Two who do that at once get different
 * subnets. @throws already_exists; invalid_argument in docker's words
 */
export async function createNetwork({ config, scope }: Engine, options: CreateNetworkOptions): Promise<string> {
  const wanted = {
    ...options,
    driver: options.driver || 'bridge',
    ipamDriver: options.ipamDriver || 'default',
  };
  const { name } = wanted;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name) || name.length > 200)
    throw invalidArgument(`invalid network name ${JSON.stringify(name)}`);
  refusePredefined(name);
  const directory = config.cniNetconfPath;
  using _ = await lockNetworks(directory);
  const files = await listNetworks(directory, scope.namespace);
  if (files.some((file) => file.config.name === name)) throw alreadyExists(`network with name ${name} already exists`);
  const subnets = wanted.ipamDriver === 'dhcp' ? noSubnets(wanted) : chooseSubnets(wanted, await takenSubnets(files));
  const plugins = pluginsFor(wanted, subnets);
  const note: NetworkNote = {
    created: formatTimestamp(now()),
    ipam: subnets,
    ...pick(wanted),
  };
  const text = JSON.parse(formatConflist(name, wanted.labels, plugins)) as object;
  const written = `${JSON.stringify({ ...text, berth: note }, undefined, 2)}\n`;
  if (!(await writeNetwork(networkPath(directory, name), written, { exclusive: true })))
    throw alreadyExists(`network with name ${name} already exists`);
  return networkId(name);
}

const pick = ({
  driver,
  options,
  ipamDriver,
  ipamOptions,
  ipv4,
  ipv6,
  internal,
  attachable,
}: CreateNetworkOptions) => ({
  ...{ driver, options, ipamDriver, ipamOptions, ipv4, ipv6, internal, attachable },
});

function noSubnets({ subnets, gateways, ipRanges, auxAddresses }: CreateNetworkOptions): readonly [] {
  if (subnets.length + gateways.length + ipRanges.length + Object.keys(auxAddresses).length > 0)
    throw invalidArgument(
      'ipam driver dhcp takes no subnet, gateway, range or aux-address: the server in the network has them',
    );
  return [];
}

const patienceMs = 30_000;

/** Nobody else changes networks in this directory meanwhile: nerdctl takes the same lock. @throws failed_precondition when somebody does for long */
export async function lockNetworks(directory: string): Promise<Disposable> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return lockFile(join(directory, '.nerdctl.lock'));
    } catch (thrown) {
      if (!isFault(thrown, 'failed_precondition') || performance.now() > until) throw thrown;
      await wait(10);
    }
  }
}
