import { isFault } from '#base/errors';
import { formatCidr, parseCidr } from '../cidr.ts';
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

const usualBridgeIp = '10.4.0.1/24';

/**
 * The network of containers that name none; made where it is missing, with this address of the bridge. Two who make it at once get the same one.
 * @throws invalid_argument for the address
 */
export async function ensureDefaultNetwork(directory: string, namespace: string, bridgeIp = ''): Promise<NetworkFile> {
  try {
    return await getNetwork(directory, namespace, defaultNetworkName);
  } catch (thrown) {
    if (!isFault(thrown, 'not_found')) throw thrown;
  }
  const address = bridgeIp || usualBridgeIp;
  const [gateway = ''] = address.split('/');
  const bridge = {
    bridge: 'nerdctl0',
    isGateway: true,
    ipMasq: true,
    hairpinMode: true,
    ipam: {
      type: 'host-local',
      ranges: [[{ subnet: formatCidr(parseCidr(address)), gateway }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  };
  const chain = bridgeChain(bridge, 'same-bridge', false);
  const text = formatConflist(defaultNetworkName, { [defaultNetworkLabel]: 'true' }, chain);
  await writeNetwork(networkPath(directory, defaultNetworkName), text, { exclusive: true });
  return await getNetwork(directory, namespace, defaultNetworkName);
}
