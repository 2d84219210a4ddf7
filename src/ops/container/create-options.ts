import type { RegistryOptions } from '#client/transfer';
import type { HealthSettings } from '#core/engine/container-settings';
import type { Observer } from '#core/transfer/progress';
import type { EngineConfig } from '../engine.ts';
import type { DeviceRate, DeviceRequest, DeviceRule, DeviceWeight, GpuRequest } from './parse/device.ts';
import type { AddedHost } from './parse/hosts.ts';
import type { Ulimit } from './parse/limits.ts';
import type { LogConfig } from './parse/log.ts';
import type { NetworkRequest } from './parse/network.ts';
import type { ExposedPort, PublishedPort } from './parse/ports.ts';
import type { RestartPolicy } from './parse/restart.ts';
import type { SecurityOptions } from './parse/security.ts';
import type { TmpfsRequest, VolumeRequest, VolumesFrom } from './parse/volume.ts';

/**
 * What a container is to be, as docker's users say it. Everything but the image may be left out; what is left out is as the image says, or as docker has
 * it. Texts with a syntax of their own are read by `parse/`, so that whoever fills this in by other means than flags need not write them.
 */
export interface CreateOptions {
  /** A name, a digest, an id or its beginning; with `rootfs` a directory. */
  readonly image: string;
  readonly args?: readonly string[] | undefined;
  /** Empty: one is made up. */
  readonly name?: string | undefined;
  readonly rootfs?: boolean | undefined;
  readonly platform?: string | undefined;
  readonly pull?: PullPolicy | undefined;
  readonly pulling?: Pulling | undefined;
  readonly runtime?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly process?: ProcessOptions | undefined;
  readonly streams?: StreamOptions | undefined;
  readonly limits?: LimitOptions | undefined;
  readonly security?: SecurityOptions | undefined;
  readonly namespaces?: NamespaceOptions | undefined;
  readonly mounts?: MountOptions | undefined;
  readonly network?: NetworkOptions | undefined;
  readonly log?: LogConfig | undefined;
  readonly health?: HealthOptions | undefined;
  readonly restart?: RestartPolicy | undefined;
  readonly autoRemove?: boolean | undefined;
  /** Files that are written: the id at once, the process's id at each start. Absolute. */
  readonly cidFile?: string | undefined;
  readonly pidFile?: string | undefined;
}

/** Asked only when an image has to be fetched. */
export interface Pulling {
  /** Credentials and hosts. */
  registry(config: EngineConfig, image: string): Promise<RegistryOptions>;
  /** Does the work, and shows how it goes. */
  shown<T>(image: string, work: (observed: { readonly onProgress?: Observer }) => Promise<T>): Promise<T>;
}

export type PullPolicy = 'always' | 'missing' | 'never';

export interface ProcessOptions {
  /** `[]` takes the image's away. */
  readonly entrypoint?: readonly string[] | undefined;
  /** `NAME=value`, or `NAME` to take the image's away. */
  readonly env?: readonly string[] | undefined;
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  readonly umask?: number | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly hostname?: string | undefined;
  readonly domainname?: string | undefined;
  readonly stopSignal?: string | undefined;
  /** Seconds. */
  readonly stopTimeout?: number | undefined;
  /** A small process 1 that hands on signals and collects children. */
  readonly init?: boolean | undefined;
  /** Another program for it than our own. */
  readonly initBinary?: string | undefined;
  /** `true`: when the command is a systemd; `always`. */
  readonly systemd?: 'true' | 'false' | 'always' | undefined;
}

export interface StreamOptions {
  readonly tty?: boolean | undefined;
  readonly interactive?: boolean | undefined;
  /** Who creates it is attached to it: input ends when he leaves. */
  readonly attach?: readonly ('stdin' | 'stdout' | 'stderr')[] | undefined;
}

/** Bytes, microseconds and numbers of processors. */
export interface LimitOptions {
  readonly memory?: number | undefined;
  readonly memoryReservation?: number | undefined;
  /** Memory and swap together; -1: as much as there is. */
  readonly memorySwap?: number | undefined;
  readonly memorySwappiness?: number | undefined;
  readonly kernelMemory?: number | undefined;
  readonly oomKillDisable?: boolean | undefined;
  readonly oomScoreAdj?: number | undefined;
  readonly nanoCpus?: number | undefined;
  readonly cpuQuota?: number | undefined;
  readonly cpuPeriod?: number | undefined;
  readonly cpuShares?: number | undefined;
  readonly cpuRealtimePeriod?: number | undefined;
  readonly cpuRealtimeRuntime?: number | undefined;
  readonly cpusetCpus?: string | undefined;
  readonly cpusetMems?: string | undefined;
  readonly pids?: number | undefined;
  readonly blkioWeight?: number | undefined;
  readonly blkioWeightDevices?: readonly DeviceWeight[] | undefined;
  readonly readBps?: readonly DeviceRate[] | undefined;
  readonly writeBps?: readonly DeviceRate[] | undefined;
  readonly readIops?: readonly DeviceRate[] | undefined;
  readonly writeIops?: readonly DeviceRate[] | undefined;
  readonly ulimits?: readonly Ulimit[] | undefined;
  readonly shmSize?: number | undefined;
  readonly devices?: readonly DeviceRequest[] | undefined;
  readonly deviceRules?: readonly DeviceRule[] | undefined;
  readonly gpus?: readonly GpuRequest[] | undefined;
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
  readonly cgroupParent?: string | undefined;
  /** Files of a cgroup v2 by name. */
  readonly cgroupConf?: Readonly<Record<string, string>> | undefined;
  readonly rdtClass?: string | undefined;
}

/** docker's modes: empty for its custom, `host`, `private`, `container:<name|id>`, for ipc also `shareable` and `none`. */
export interface NamespaceOptions {
  readonly pid?: string | undefined;
  readonly ipc?: string | undefined;
  readonly uts?: string | undefined;
  readonly cgroup?: string | undefined;
  readonly user?: string | undefined;
}

export interface MountOptions {
  readonly readOnly?: boolean | undefined;
  readonly volumes?: readonly VolumeRequest[] | undefined;
  readonly tmpfs?: readonly TmpfsRequest[] | undefined;
  readonly volumesFrom?: readonly VolumesFrom[] | undefined;
  readonly volumeDriver?: string | undefined;
}

export interface NetworkOptions {
  readonly networks?: readonly NetworkRequest[] | undefined;
  readonly publish?: readonly PublishedPort[] | undefined;
  readonly publishAll?: boolean | undefined;
  readonly expose?: readonly ExposedPort[] | undefined;
  readonly dns?: readonly string[] | undefined;
  readonly dnsSearch?: readonly string[] | undefined;
  readonly dnsOptions?: readonly string[] | undefined;
  readonly extraHosts?: readonly AddedHost[] | undefined;
}

/** `none` switches the image's off. Times in milliseconds; what is absent is as the image has it, or else docker's. */
export type HealthOptions =
  | 'none'
  | {
      readonly command?: HealthSettings['test'] | undefined;
      readonly intervalMs?: number | undefined;
      readonly timeoutMs?: number | undefined;
      readonly startPeriodMs?: number | undefined;
      readonly startIntervalMs?: number | undefined;
      readonly retries?: number | undefined;
    };
