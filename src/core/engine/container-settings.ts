import { basename, isAbsolute, normalize } from 'node:path';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import type { Container } from '#core/containers/containers';

/**
 * What is to be done for a container beyond running it: by the daemon (networks, names, health, removal), and by clients, which show it.
 * It is kept with the container's record as the extension `berth`, as JSON, so that it lasts as long and changes with it.
 * A container without it (of ctr, of the kubelet, of containerd's nerdctl) is run as its spec says and no more.
 */
export interface ContainerSettings {
  readonly name: string;
  /** The container's own directory: its log, `resolv.conf`, `hostname`, `network.json`, `health.json`. Absolute. */
  readonly stateDir: string;
  /** The data root's directory for this daemon (`/var/lib/nerdctl/1935db59`): names, volumes, hosts files. Absolute. */
  readonly dataStore: string;
  readonly hostname: string;
  readonly domainname: string;
  /** The daemon removes it with its anonymous volumes once its process has ended. */
  readonly autoRemove: boolean;
  readonly network: NetworkSettings;
  readonly streams: StreamSettings;
  readonly stopSignal: string;
  /** Seconds between the stop signal and the kill. */
  readonly stopTimeout: number;
  readonly health?: HealthSettings;
  /** Names of volumes that go with the container. */
  readonly anonymousVolumes: readonly string[];
  /** docker's `Mounts` of inspect. */
  readonly mounts: readonly MountPoint[];
  /** docker's `Config` and `HostConfig` of inspect, as they were asked for. `update` changes the latter. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly hostConfig: Readonly<Record<string, unknown>>;
}

export interface NetworkSettings {
  /**
   * `networks`: those of `attachments`. `host`: the machine's. `none`: an empty one. `container`: that of the container `target` (an id).
   * `path`: that of the network namespace at `target`.
   */
  readonly mode: 'networks' | 'host' | 'none' | 'container' | 'path';
  readonly target: string;
  /** Where the networks are described (`--cni-netconfpath`); absent: where the daemon's configuration says. */
  readonly netconfPath?: string;
  /** Directories with CNI's plugins, by colons (`--cni-path`), which then do all for this container; absent: as the daemon has it. */
  readonly cniPath?: string;
  readonly attachments: readonly NetworkAttachment[];
  readonly ports: readonly PortMapping[];
  readonly dns: {
    /** Empty: the machine's. */
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  };
  /** `--add-host`; the address may be `host-gateway`. */
  readonly extraHosts: readonly { readonly name: string; readonly address: string }[];
}

/** Being in one network. Interfaces are eth0, eth1, … in this order. */
export interface NetworkAttachment {
  readonly network: string;
  /** Further names in this network, beside the container's name, its short id and its host name. */
  readonly aliases: readonly string[];
  /** Empty: as the network chooses. */
  readonly ip: string;
  readonly ip6: string;
  readonly mac: string;
}

export interface PortMapping {
  /** Empty: all addresses. */
  readonly hostIp: string;
  /** 0: any that is free, chosen anew at each start. */
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}

export interface StreamSettings {
  readonly terminal: boolean;
  /** Input is kept open for whoever attaches. */
  readonly openStdin: boolean;
  /** The first who attaches and leaves ends the input. */
  readonly stdinOnce: boolean;
  /** What the task is created with: see `#lib/log-uri`. */
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
  /** The log's file for drivers that have one. */
  readonly logPath: string;
}

/** A probe; times in nanoseconds, as images have them. */
export interface HealthSettings {
  /** `['CMD', …]`, `['CMD-SHELL', text]`; `['NONE']` for none. */
  readonly test: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
}

export interface MountPoint {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** A volume's name. */
  readonly name: string;
  readonly source: string;
  readonly destination: string;
  readonly driver: string;
  readonly mode: string;
  readonly rw: boolean;
  readonly propagation: string;
}

/** The extension's key in the container's record, and the type of its payload. */
export const settingsKey = 'berth';
export const settingsTypeUrl = 'berth.engine.v1.ContainerSettings';

export const packSettings = (settings: ContainerSettings): Any => ({
  typeUrl: settingsTypeUrl,
  value: Buffer.from(JSON.stringify(settings)),
});

/** Of a container that has none: undefined. @throws invalid_argument for what is no JSON of settings */
export function settingsOf({ id, extensions }: Pick<Container, 'id' | 'extensions'>): ContainerSettings | undefined {
  const packed = extensions[settingsKey];
  if (packed === undefined) return undefined;
  try {
    const settings: unknown = JSON.parse(Buffer.from(packed.value).toString());
    if (packed.typeUrl === settingsTypeUrl && isSettings(settings) && isPlace(settings, id)) return settings;
  } catch (cause) {
    throw invalidArgument(`container ${JSON.stringify(id)}: its settings are no JSON`, cause);
  }
  throw invalidArgument(`container ${JSON.stringify(id)}: its settings are not of a form that is known`);
}

/** The daemon writes and removes there: whoever wrote the settings, it is the container's own directory, or one that is named like it. */
const isPlace = ({ stateDir, dataStore }: ContainerSettings, id: string): boolean =>
  [stateDir, dataStore].every((path) => isAbsolute(path) && normalize(path) === path) && basename(stateDir) === id;

/** Whether it looks like what `packSettings` wrote; only we write it, so that a look at the parts that everything rests on is enough. */
function isSettings(value: unknown): value is ContainerSettings {
  if (typeof value !== 'object' || value === null) return false;
  const { name, stateDir, dataStore, network, streams } = value as Partial<Record<keyof ContainerSettings, unknown>>;
  return (
    [name, stateDir, dataStore].every((one) => typeof one === 'string') &&
    [network, streams].every((one) => typeof one === 'object' && one !== null)
  );
}
