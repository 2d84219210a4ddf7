import { stat } from 'node:fs/promises';
import { failedPrecondition, invalidArgument, notFound } from '#base/errors';
import { formatTimestamp, fromMillis } from '#base/timestamp';
import type { Labels } from '#core/labels';
import { listNetworks, type NetworkFile, networkId } from '#lib/cni/conflists';
import { defaultNetworkLabel, ensureDefaultNetwork } from '#lib/cni/default-network';
import type { Engine } from '../engine.ts';
import type { IpamConfig, NetworkNote } from './create-options.ts';

/** A network as users see it. */
export interface Network extends Omit<NetworkNote, 'ipam'> {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  /** host and none are not described anywhere: they have no file. */
  readonly file: NetworkFile | undefined;
  readonly ipam: readonly IpamConfig[];
  /** Not made by a user: cannot be removed. */
  readonly predefined: boolean;
}

const withoutFile = ['host', 'none'] as const;

/** @throws failed_precondition */
export function refusePredefined(name: string): void {
  if (['bridge', 'default', ...withoutFile].includes(name))
    throw failedPrecondition(`operation is not permitted on predefined ${name} network`);
}

/** All, by name; the default network is made where it is missing. */
export async function allNetworks({ config, scope }: Engine): Promise<readonly Network[]> {
  await ensureDefaultNetwork(config.cniNetconfPath, scope.namespace, config.bridgeIp);
  const files = await listNetworks(config.cniNetconfPath, scope.namespace);
  const described = await Promise.all(files.map(networkOf));
  const all = [...described, ...withoutFile.map(bare)];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A network by name, id or the beginning of an id that only one has. @throws not_found, invalid_argument in docker's words */
export async function findNetwork(engine: Engine, word: string): Promise<Network> {
  const all = await allNetworks(engine);
  const exact = all.find(({ name }) => name === word) ?? all.find(({ id }) => id === word);
  if (exact !== undefined) return exact;
  const found = /^[0-9a-f]+$/.test(word) ? all.filter(({ id }) => id.startsWith(word)) : [];
  if (found.length > 1)
    throw invalidArgument(`network ${word} is ambiguous (${found.length} matches found based on ID prefix)`);
  const [only] = found;
  if (only === undefined) throw notFound(`network ${word} not found`);
  return only;
}

async function networkOf(file: NetworkFile): Promise<Network> {
  const { berth } = JSON.parse(file.config.source) as { readonly berth?: NetworkNote };
  const { labels = {}, config } = file;
  return {
    ...(berth ?? (await guessed(file))),
    id: file.id || networkId(config.name),
    name: config.name,
    labels,
    file,
    predefined: labels[defaultNetworkLabel] !== undefined,
  };
}

/** Of a file that another tool wrote. */
async function guessed({ path, config }: NetworkFile): Promise<NetworkNote> {
  const [first] = config.plugins;
  const ipam = ipamIn(first?.config.ipam);
  const { isGateway, ipMasq } = first?.config ?? {};
  return {
    created: formatTimestamp(fromMillis((await stat(path)).mtimeMs)),
    driver: first?.type ?? '',
    ...{ options: {}, ipamDriver: 'default', ipamOptions: {}, ipam },
    ipv4: ipam.some(({ Subnet }) => !Subnet.includes(':')),
    ipv6: ipam.some(({ Subnet }) => Subnet.includes(':')),
    internal: first?.type === 'bridge' && isGateway !== true && ipMasq !== true,
    attachable: false,
  };
}

function ipamIn(ipam: unknown): readonly IpamConfig[] {
  const { ranges } = (ipam ?? {}) as { readonly ranges?: unknown };
  const all = Array.isArray(ranges) ? ranges.flat() : [];
  return all.flatMap((one) => {
    const { subnet, gateway } = (one ?? {}) as { readonly subnet?: unknown; readonly gateway?: unknown };
    if (typeof subnet !== 'string') return [];
    return [{ Subnet: subnet, ...(typeof gateway === 'string' && { Gateway: gateway }) }];
  });
}

const bare = (name: (typeof withoutFile)[number]): Network => ({
  ...{
    id: networkId(name),
    name,
    labels: {},
    file: undefined,
    created: formatTimestamp(fromMillis(0)),
    driver: name === 'none' ? 'null' : 'host',
  },
  ...{ options: {}, ipamDriver: 'default', ipamOptions: {}, ipam: [], ipv4: true, ipv6: false },
  ...{ internal: false, attachable: false, predefined: true },
});
