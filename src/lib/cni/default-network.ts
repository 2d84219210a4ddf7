import { isFault } from '#base/errors';
import { getNetwork, type NetworkFile, networkId, networkPath, writeNetwork } from './conflists.ts';
import type { JsonObject } from './network-config.ts';

export const defaultNetworkName = 'bridge';
/** The label that marks the default network, whatever its name. */
export const defaultNetworkLabel = 'nerdctl/default-network';

/** The text of a network's file, with its keys in nerdctl's order. */
export function formatConflist(
  name: string,
  labels: Readonly<Record<string, string>>,
  plugins: readonly JsonObject[],
): string {
  const list = { cniVersion: '1.0.0', name, nerdctlID: networkId(name), nerdctlLabels: labels, plugins };
  return `${JSON.stringify(list, undefined, 2)}\n`;
}

export const bridgeChain = (bridge: JsonObject, ingressPolicy: string, internal: boolean): readonly JsonObject[] => [
  { type: 'bridge', ...bridge },
  ...(internal ? [] : [{ type: 'portmap', capabilities: { portMappings: true } }]),
  { type: 'firewall', ingressPolicy },
  { type: 'tuning' },
];

/** The network of containers that name none; made where it is missing. Two who make it at once get the same one. */
export async function ensureDefaultNetwork(directory: string, namespace: string): Promise<NetworkFile> {
  try {
    return await getNetwork(directory, namespace, defaultNetworkName);
  } catch (thrown) {
    if (!isFault(thrown, 'not_found')) throw thrown;
  }
  const bridge = {
    bridge: 'nerdctl0',
    isGateway: true,
    ipMasq: true,
    hairpinMode: true,
    ipam: {
      type: 'host-local',
      ranges: [[{ subnet: '10.4.0.0/24', gateway: '10.4.0.1' }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  };
  const chain = bridgeChain(bridge, 'same-bridge', false);
  const text = formatConflist(defaultNetworkName, { [defaultNetworkLabel]: 'true' }, chain);
  await writeNetwork(networkPath(directory, defaultNetworkName), text, { exclusive: true });
  return await getNetwork(directory, namespace, defaultNetworkName);
}
