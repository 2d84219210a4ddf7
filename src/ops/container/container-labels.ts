import { invalidArgument } from '#base/errors';
import type { ContainerSettings } from '#core/engine/container-settings';
import { restartLabels } from '#core/engine/restart-labels';
import { stopSignalLabel } from '#lib/oci/spec/image';
import type { CreateOptions } from './create-options.ts';
import { nerdctlLabels as names, nerdctlPrefix } from './labels.ts';
import type { NamespaceModes } from './spec/namespaces.ts';

const reserved = [nerdctlPrefix, 'containerd.io/', 'io.containerd.'];

/** @throws invalid_argument for labels that only we may set, and for those that no label can be */
export function checkUserLabels(labels: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(labels)) {
    if (reserved.some((prefix) => name.startsWith(prefix)))
      throw invalidArgument(
        `label ${JSON.stringify(name.slice(0, 80))}: names that begin with ${reserved.join(', ')} are reserved`,
      );
    if (Buffer.byteLength(name) + Buffer.byteLength(value) > maxLabel)
      throw invalidArgument(
        `label ${JSON.stringify(name.slice(0, 80))}: name and value together have at most ${maxLabel} bytes`,
      );
  }
}

const maxLabel = 4096;

export interface Labelled {
  readonly namespace: string;
  readonly settings: ContainerSettings;
  readonly options: CreateOptions;
  readonly platform: string;
  readonly modes: NamespaceModes;
  readonly exposed: readonly string[];
}

/** The labels by which nerdctl and others know what a container is. */
export function engineLabels({
  namespace,
  settings,
  options,
  platform,
  modes,
  exposed,
}: Labelled): Readonly<Record<string, string>> {
  const { network, streams, health } = settings;
  const [first] = network.attachments;
  const text = (name: string, value: string | undefined) => (value ? { [name]: value } : {});
  const json = (name: string, value: unknown, isThere: boolean) =>
    isThere ? fitting(name, JSON.stringify(value)) : {};
  return {
    [names.namespace]: namespace,
    [names.name]: settings.name,
    [names.hostname]: settings.hostname,
    ...text(names.domainname, settings.domainname),
    ...fitting(names.extraHosts, JSON.stringify(network.extraHosts.map(({ name, address }) => `${name}:${address}`))),
    [names.stateDir]: settings.stateDir,
    [names.networks]: JSON.stringify(networkNames(settings)),
    ...text(names.ip, first?.ip),
    ...text(names.ip6, first?.ip6),
    ...text(names.macAddress, first?.mac),
    ...fitting(names.logUri, streams.stdout),
    ...fitting(names.logConfig, JSON.stringify({ driver: streams.logDriver, opts: streams.logOptions })),
    ...text(names.pidFile, options.pidFile),
    ...json(names.anonymousVolumes, settings.anonymousVolumes, settings.anonymousVolumes.length > 0),
    ...mountLabels(settings),
    [names.platform]: platform,
    [names.stopTimeout]: String(settings.stopTimeout),
    ...text(names.pidContainer, modes.pid.startsWith('container:') ? modes.pid.slice('container:'.length) : ''),
    ...fitting(names.ipc, JSON.stringify({ mode: modes.ipc === '' ? 'private' : modes.ipc })),
    [names.autoRemove]: String(settings.autoRemove),
    ...fitting(names.hostConfig, JSON.stringify(hostConfigLabel(options))),
    ...fitting(names.dns, JSON.stringify(dnsLabel(network.dns))),
    ...text(names.user, options.process?.user),
    ...json(names.healthcheck, health, health !== undefined),
    ...(options.security?.privileged && { [names.privileged]: 'true' }),
    ...json(names.exposedPorts, Object.fromEntries(exposed.map((port) => [port, {}])), exposed.length > 0),
    [stopSignalLabel]: settings.stopSignal,
    ...restartWishes(options),
  };
}

const hostConfigLabel = ({ cidFile = '', limits = {} }: CreateOptions) => ({
  BlkioWeight: limits.blkioWeight ?? 0,
  CidFile: cidFile,
  Devices: (limits.devices ?? []).flatMap((device) =>
    'cdi' in device
      ? []
      : [{ PathOnHost: device.source, PathInContainer: device.target, CgroupPermissions: device.access }],
  ),
});

const dnsLabel = ({ servers, search, options }: ContainerSettings['network']['dns']) => ({
  DNSServers: servers,
  DNSSearchDomains: search,
  DNSResolvConfOptions: options,
});

function networkNames({ network }: ContainerSettings): readonly string[] {
  if (network.mode === 'networks') return network.attachments.map((one) => one.network);
  if (network.mode === 'container') return [`container:${network.target}`];
  return [network.mode === 'path' ? `ns:${network.target}` : network.mode];
}

function mountLabels({ mounts }: ContainerSettings): Readonly<Record<string, string>> {
  const entries = mounts.map(({ type, name, source, destination, mode, rw, propagation }, at) => {
    const value = {
      Type: type,
      Name: name,
      Source: source,
      Destination: destination,
      Mode: mode,
      RW: rw,
      Propagation: propagation,
    };
    return fitting(`${names.mounts}.${at}`, JSON.stringify(value));
  });
  return Object.assign({}, ...entries) as Record<string, string>;
}

/** Starting sets the wish itself: what was only created is not to be started by the daemon. */
const restartWishes = ({ restart }: CreateOptions): Readonly<Record<string, string>> => {
  if (restart === undefined || restart.name === 'no') return {};
  const count = restart.name === 'on-failure' && restart.retries > 0 ? `:${restart.retries}` : '';
  return { [restartLabels.policy]: `${restart.name}${count}`, [restartLabels.explicitlyStopped]: 'false' };
};

/** What does not fit into a label is in the settings, where we look; others do without. */
const fitting = (name: string, value: string): Readonly<Record<string, string>> =>
  Buffer.byteLength(name) + Buffer.byteLength(value) > maxLabel ? {} : { [name]: value };
