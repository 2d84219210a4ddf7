import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { failedPrecondition } from '#base/errors';
import { compare, now, parseTimestamp } from '#base/timestamp';
import type { JsonObject } from '#lib/cni/network-config';
import type { Json } from '#lib/oci/bounded-json';
import type { Engine } from '../engine.ts';
import type { Filters } from '../filters.ts';
import { lockNetworks } from './create.ts';
import { allNetworks, findNetwork, type Network } from './find.ts';
import { connectedContainers, usersOf } from './users.ts';

/** Removes a network that no running container is in, and its bridge. Returns its name. @throws not_found; failed_precondition in docker's words */
export async function removeNetworkOf(engine: Engine, word: string): Promise<string> {
  using _ = await lockNetworks(engine.config.cniNetconfPath);
  const network = await findNetwork(engine, word);
  if (network.predefined) throw failedPrecondition(`${network.name} is a pre-defined network and cannot be removed`);
  if (!isOurs(network)) throw failedPrecondition(`${network.name} is managed outside nerdctl and cannot be removed`);
  const users = usersOf(network.name, await connectedContainers(engine));
  if (users.length > 0) {
    const named = users.map(({ name, id }) => `name:"${name}" id:"${id.slice(0, 12)}"`).join(', ');
    throw failedPrecondition(`error while removing network: network ${network.name} has active endpoints (${named})`);
  }
  await removeOne(network);
  return network.name;
}

export const pruneFilters = ['label', 'label!', 'until'] as const;

/** Removes all of nerdctl's that no running container is in. Returns their names. */
export async function pruneNetworks(engine: Engine, filters: Filters): Promise<readonly string[]> {
  const before = filters.moment('until');
  using _ = await lockNetworks(engine.config.cniNetconfPath);
  const [all, users] = await Promise.all([allNetworks(engine), connectedContainers(engine)]);
  const doomed = all.filter(
    (one) =>
      !one.predefined &&
      isOurs(one) &&
      usersOf(one.name, users).length === 0 &&
      filters.labels(one.labels) &&
      (before === undefined || compare(parseTimestamp(one.created) ?? now(), before) < 0),
  );
  for (const one of doomed) await removeOne(one);
  return doomed.map(({ name }) => name);
}

/** Others' descriptions lie beside ours: kubelet's, say, whose containers nobody here knows. */
const isOurs = ({ file }: Network): boolean => file !== undefined && file.id !== '';

async function removeOne({ file }: Network): Promise<void> {
  if (file === undefined) return;
  const bridges = file.config.plugins.flatMap(({ type, config }) =>
    type === 'bridge' && typeof config.bridge === 'string' ? [config.bridge] : [],
  );
  await rm(file.path, { force: true });
  for (const bridge of bridges) await removeBridge(bridge);
  for (const { config } of file.config.plugins) await forgetAddresses(file.config.name, config.ipam);
}

/** What host-local remembers of the network. */
async function forgetAddresses(network: string, ipam: Json | undefined): Promise<void> {
  if (typeof ipam !== 'object' || ipam === null) return;
  const { type, dataDir = '/var/lib/cni/networks' } = ipam as JsonObject;
  if (type === 'host-local' && typeof dataDir === 'string')
    await rm(join(dataDir, network), { recursive: true, force: true });
}

const run = promisify(execFile);

/** The bridge, and the rules that the firewall plugin keeps for it. What was never made is no error. */
async function removeBridge(bridge: string): Promise<void> {
  await run('ip', ['link', 'delete', bridge]).catch((thrown: unknown) => {
    if (!/Cannot find device/.test(String(thrown))) throw thrown;
  });
  const { stdout } = await run('iptables-save', ['-t', 'filter']);
  const rules = stdout
    .split('\n')
    .filter((line) => line.startsWith('-A CNI-ISOLATION-') && line.includes(` ${bridge} `));
  if (rules.length === 0) return;
  const restoring = run('iptables-restore', ['-w', '--noflush']);
  restoring.child.stdin?.end(`*filter\n${rules.map((rule) => rule.replace(/^-A/, '-D')).join('\n')}\nCOMMIT\n`);
  await restoring;
}
