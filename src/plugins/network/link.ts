import { invalidArgument } from '#base/errors';
import type { NetworkAttachment, PortMapping } from '#core/engine/container-settings';
import type { NetworkFile } from '#lib/cni/conflists';
import type { JsonObject, PluginConfig } from '#lib/cni/network-config';
import type { Link } from './record.ts';

const understands = ({ config }: PluginConfig, wish: string): boolean =>
  (config.capabilities as JsonObject | undefined)?.[wish] === true;

/** Whether ports can be published in a network. */
export const publishes = ({ config }: NetworkFile): boolean =>
  config.plugins.some((plugin) => understands(plugin, 'portMappings'));

/** Whether the machine itself is in the network, as the way out of it. */
export const hasGateway = ({ config }: Pick<NetworkFile, 'config'>): boolean =>
  config.plugins.some((plugin) => plugin.type === 'bridge' && plugin.config.isGateway === true);

/** How a container is to be linked to a network. @throws invalid_argument for an address that the network's plugins cannot be asked for */
export function linkTo(
  file: NetworkFile,
  attachment: NetworkAttachment,
  ifName: string,
  ports: readonly PortMapping[],
): Link {
  const { plugins, source } = file.config;
  const known = (wish: string) => plugins.some((plugin) => understands(plugin, wish));
  const { ip, ip6, mac, network } = attachment;
  const addresses = [ip, ip6].filter((one) => one !== '');
  if (ip6 !== '' && !known('ips'))
    throw invalidArgument(`invalid config for network ${network}: no IPv6 address can be asked for`);
  const args = [
    ...(ip !== '' && !known('ips') ? [`IP=${ip}`] : []),
    ...(mac !== '' && !known('mac') ? [`MAC=${mac}`] : []),
  ];
  return {
    ...{ attachment, ifName, conflist: source, nameServer: '' },
    capabilities: {
      ...(ports.length > 0 && { portMappings: ports.map(toCni) }),
      ...(addresses.length > 0 && { ips: addresses }),
      ...(mac !== '' && { mac }),
    },
    args: args.length === 0 ? '' : ['IgnoreUnknown=1', ...args].join(';'),
  };
}

/** CNI has no way to say "every address of both families" but none. */
const toCni = ({ hostIp, hostPort, containerPort, protocol }: PortMapping): JsonObject => ({
  hostPort,
  containerPort,
  protocol,
  hostIP: hostIp,
});
