/**
 * The OCI runtime specification: what a container's `config.json` says to runc and its like. Names are the specification's own.
 * Fields that Berth neither sets nor reads are not listed; a document that has them keeps them.
 */
export interface Spec {
  readonly ociVersion: string;
  readonly process?: Process;
  readonly root?: Root;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts?: readonly SpecMount[];
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: Linux;
}

export interface Process {
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: User;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly cwd: string;
  readonly capabilities?: Capabilities;
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly oomScoreAdj?: number;
  readonly selinuxLabel?: string;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
}

export interface Capabilities {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly permitted?: readonly string[];
  readonly ambient?: readonly string[];
}

export interface Rlimit {
  readonly type: string;
  readonly hard: number;
  readonly soft: number;
}

export interface Root {
  readonly path: string;
  readonly readonly?: boolean;
}

export interface SpecMount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
}

export interface Hook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly timeout?: number;
}

export interface Hooks {
  readonly prestart?: readonly Hook[];
  readonly createRuntime?: readonly Hook[];
  readonly createContainer?: readonly Hook[];
  readonly startContainer?: readonly Hook[];
  readonly poststart?: readonly Hook[];
  readonly poststop?: readonly Hook[];
}

export interface Linux {
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly resources?: Resources;
  readonly cgroupsPath?: string;
  readonly namespaces?: readonly Namespace[];
  readonly devices?: readonly Device[];
  readonly seccomp?: Seccomp;
  readonly rootfsPropagation?: string;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
  readonly intelRdt?: IntelRdt;
  /** Network interfaces of the host that are moved into the container, by their names there. */
  readonly netDevices?: Readonly<Record<string, { readonly name?: string }>>;
}

export interface IntelRdt {
  readonly closID?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  readonly schemata?: readonly string[];
  readonly enableCMT?: boolean;
  readonly enableMBM?: boolean;
  readonly enableMonitoring?: boolean;
}

export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export type NamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time';

export interface Namespace {
  readonly type: NamespaceType;
  /** An existing one to join; a new one without. */
  readonly path?: string;
}

export interface Device {
  readonly path: string;
  readonly type: string;
  readonly major: number;
  readonly minor: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface DeviceRule {
  readonly allow: boolean;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly access?: string;
}

export interface Resources {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: {
    readonly limit?: number;
    readonly reservation?: number;
    readonly swap?: number;
    readonly kernel?: number;
    readonly kernelTCP?: number;
    readonly swappiness?: number;
    readonly disableOOMKiller?: boolean;
  };
  readonly cpu?: {
    readonly shares?: number;
    readonly quota?: number;
    readonly period?: number;
    readonly realtimeRuntime?: number;
    readonly realtimePeriod?: number;
    readonly cpus?: string;
    readonly mems?: string;
  };
  readonly pids?: { readonly limit: number };
  readonly blockIO?: BlockIo;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly unified?: Readonly<Record<string, string>>;
}

/** Weights and rates of disks. */
export interface BlockIo {
  readonly weight?: number;
  readonly weightDevice?: readonly { readonly major: number; readonly minor: number; readonly weight: number }[];
  readonly throttleReadBpsDevice?: readonly DiskRate[];
  readonly throttleWriteBpsDevice?: readonly DiskRate[];
  readonly throttleReadIOPSDevice?: readonly DiskRate[];
  readonly throttleWriteIOPSDevice?: readonly DiskRate[];
}

export interface DiskRate {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

export interface Seccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly SeccompRule[];
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArgument[];
}

export interface SeccompArgument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}

/** The type under which containerd carries a spec; its value is JSON. */
export const specTypeUrl = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
/** The same for the process of an exec. */
export const processTypeUrl = 'types.containerd.io/opencontainers/runtime-spec/1/Process';
/** The same for new limits of a running task. */
export const resourcesTypeUrl = 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources';

/** The spec with some of its process changed. A spec without one gets root's in `/`. */
export function withProcess(spec: Spec, change: Partial<Process>): Spec {
  return { ...spec, process: { user: { uid: 0, gid: 0 }, cwd: '/', ...spec.process, ...change } };
}

/** The spec with some of its Linux part changed. */
export function withLinux(spec: Spec, change: Partial<Linux>): Spec {
  return { ...spec, linux: { ...spec.linux, ...change } };
}

/** The spec with some of its cgroup limits changed. */
export function withResources(spec: Spec, change: Partial<Resources>): Spec {
  return withLinux(spec, { resources: { ...spec.linux?.resources, ...change } });
}
