import { createHash } from 'node:crypto';
import type { ContainerSettings, PortMapping } from '#core/engine/container-settings';
import type { ContainerSummary } from '#core/engine/container-summary';
import { type NetworkInterface, type NetworkState, noNetworkState } from '#core/engine/network-state';

type Json = Readonly<Record<string, unknown>>;

/** docker's default network, whose addresses stand at the top as well. */
const defaultNetwork = 'bridge';

/** docker's `NetworkSettings` of inspect. */
export function dockerNetworks(
  settings: ContainerSettings | undefined,
  state: NetworkState = noNetworkState,
  { ports, state: life }: Pick<ContainerSummary, 'ports' | 'state'>,
): Json {
  const first = state.interfaces.find(({ network }) => network === defaultNetwork);
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: state.netns,
    Ports: life === 'running' || life === 'paused' ? dockerPorts(ports) : {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: '',
    ...addresses(first),
    Networks: networksOf(settings, state),
  };
}

function dockerPorts(ports: readonly PortMapping[]): Json {
  const found: Record<string, unknown[] | null> = {};
  for (const { hostIp, hostPort, containerPort, protocol } of ports) {
    const key = `${containerPort}/${protocol}`;
    // One that is only exposed has nothing on the host.
    if (hostPort === 0) found[key] ??= null;
    else found[key] = [...(found[key] ?? []), { HostIp: hostIp || '0.0.0.0', HostPort: String(hostPort) }];
  }
  return found;
}

const addresses = (of: NetworkInterface | undefined): Json => ({
  Gateway: of?.gateway ?? '',
  GlobalIPv6Address: of?.ip6 ?? '',
  GlobalIPv6PrefixLen: of?.prefix6 ?? 0,
  IPAddress: of?.ip ?? '',
  IPPrefixLen: of?.prefix ?? 0,
  IPv6Gateway: of?.gateway6 ?? '',
  MacAddress: of?.mac ?? '',
});

function networksOf(settings: ContainerSettings | undefined, { interfaces }: NetworkState): Json {
  if (settings === undefined) return {};
  const { mode, attachments } = settings.network;
  if (mode === 'host' || mode === 'none') return { [mode]: endpoint(mode, [], undefined) };
  const found: Record<string, Json> = {};
  for (const { network, aliases, ip, ip6 } of attachments) {
    const own = interfaces.find((each) => each.network === network);
    const fixed = ip === '' && ip6 === '' ? null : { ...(ip && { IPv4Address: ip }), ...(ip6 && { IPv6Address: ip6 }) };
    found[network] = { ...endpoint(network, aliases, own), IPAMConfig: fixed };
  }
  return found;
}

/** Networks' ids are made of their names, as containerd's nerdctl makes them. */
function endpoint(network: string, aliases: readonly string[], own: NetworkInterface | undefined): Json {
  return {
    IPAMConfig: null,
    Links: null,
    Aliases: aliases.length === 0 ? null : aliases,
    DriverOpts: null,
    NetworkID: createHash('sha256').update(network).digest('hex'),
    EndpointID: '',
    ...addresses(own),
    DNSNames: own === undefined ? null : own.names,
  };
}
