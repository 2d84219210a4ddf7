import type { ContainerSettings, NetworkSettings } from '#core/engine/container-settings';
import type { Spec } from '#lib/oci/spec/spec';
import type { CreateOptions, LimitOptions } from './create-options.ts';
import type { AskedHealth } from './health.ts';
import type { DeviceRate } from './parse/device.ts';
import type { ExposedPort } from './parse/ports.ts';
import type { NamespaceModes } from './spec/namespaces.ts';

export interface Described {
  readonly options: CreateOptions;
  readonly spec: Spec;
  /** As asked for, and the image's: without what every container has. */
  readonly env: readonly string[];
  readonly workdir: string;
  /** The image's words and the user's, as they were merged. */
  readonly entrypoint: readonly string[] | undefined;
  readonly cmd: readonly string[] | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly settings: Pick<
    ContainerSettings,
    'hostname' | 'domainname' | 'network' | 'streams' | 'stopSignal' | 'stopTimeout'
  >;
  readonly exposed: readonly ExposedPort[];
  readonly volumes: readonly string[];
  readonly health: AskedHealth | undefined;
  readonly modes: NamespaceModes;
  readonly runtime: string;
  readonly shmBytes: number;
  readonly user: string;
}

type Json = Readonly<Record<string, unknown>>;

/** docker's `Config` of inspect. */
export function dockerConfig(of: Described): Json {
  const { options, settings, health } = of;
  const attach = options.streams?.attach ?? [];
  const { stopSignal, stopTimeout } = options.process ?? {};
  return {
    Hostname: settings.hostname,
    Domainname: settings.domainname,
    User: of.user,
    AttachStdin: attach.includes('stdin'),
    AttachStdout: attach.includes('stdout'),
    AttachStderr: attach.includes('stderr'),
    ...(of.exposed.length > 0 && {
      ExposedPorts: Object.fromEntries(of.exposed.map(({ port, protocol }) => [`${port}/${protocol}`, {}])),
    }),
    Tty: settings.streams.terminal,
    OpenStdin: settings.streams.openStdin,
    StdinOnce: settings.streams.stdinOnce,
    Env: of.env,
    Cmd: orNull(of.cmd),
    ...(health !== undefined && { Healthcheck: dockerHealth(health) }),
    Image: options.image,
    Volumes: of.volumes.length === 0 ? null : Object.fromEntries(of.volumes.map((target) => [target, {}])),
    WorkingDir: of.workdir,
    Entrypoint: orNull(of.entrypoint),
    OnBuild: null,
    Labels: of.labels,
    ...(stopSignal && { StopSignal: stopSignal }),
    ...(stopTimeout !== undefined && { StopTimeout: stopTimeout }),
  };
}

const dockerHealth = ({ test, interval, timeout, startPeriod, startInterval, retries }: AskedHealth): Json => ({
  Test: test,
  ...(interval && { Interval: interval }),
  ...(timeout && { Timeout: timeout }),
  ...(startPeriod && { StartPeriod: startPeriod }),
  ...(startInterval && { StartInterval: startInterval }),
  ...(retries && { Retries: retries }),
});

/** docker's `HostConfig` of inspect. */
export function dockerHostConfig(of: Described): Json {
  const { options, settings, modes } = of;
  const { security = {}, mounts = {}, network = {}, restart } = options;
  const binds = (mounts.volumes ?? []).flatMap(({ bind, source }) =>
    bind === undefined || source === '' ? [] : [bind],
  );
  return {
    Binds: orNull(binds),
    ContainerIDFile: options.cidFile ?? '',
    LogConfig: { Type: settings.streams.logDriver, Config: settings.streams.logOptions },
    NetworkMode: networkMode(settings.network),
    PortBindings: portBindings(settings.network),
    RestartPolicy: { Name: restart?.name ?? 'no', MaximumRetryCount: restart?.retries ?? 0 },
    AutoRemove: options.autoRemove ?? false,
    VolumeDriver: mounts.volumeDriver ?? '',
    VolumesFrom: orNull(
      (mounts.volumesFrom ?? []).map(({ container, mode }) => (mode === '' ? container : `${container}:${mode}`)),
    ),
    ConsoleSize: [0, 0],
    ...(Object.keys(options.annotations ?? {}).length > 0 && { Annotations: options.annotations }),
    CapAdd: orNull(security.capAdd?.map(wholeName)),
    CapDrop: orNull(security.capDrop?.map(wholeName)),
    CgroupnsMode: modes.cgroup,
    Dns: network.dns ?? [],
    DnsOptions: network.dnsOptions ?? [],
    DnsSearch: network.dnsSearch ?? [],
    ExtraHosts: orNull((network.extraHosts ?? []).map(({ name, address }) => `${name}:${address}`)),
    GroupAdd: orNull(options.process?.groups),
    IpcMode: modes.ipc === '' ? 'private' : modes.ipc,
    Cgroup: '',
    Links: null,
    OomScoreAdj: options.limits?.oomScoreAdj ?? 0,
    PidMode: modes.pid,
    Privileged: security.privileged ?? false,
    PublishAllPorts: network.publishAll ?? false,
    ReadonlyRootfs: mounts.readOnly ?? false,
    SecurityOpt: orNull(security.given),
    ...(plainTmpfs(options).length > 0 && {
      Tmpfs: Object.fromEntries(plainTmpfs(options).map(({ target, options: words }) => [target, words.join(',')])),
    }),
    UTSMode: modes.uts,
    UsernsMode: modes.user,
    ShmSize: of.shmBytes,
    ...(Object.keys(options.limits?.sysctls ?? {}).length > 0 && { Sysctls: options.limits?.sysctls }),
    Runtime: of.runtime,
    Isolation: '',
    ...resources(options.limits ?? {}),
    ...(dockerMounts(options).length > 0 && { Mounts: dockerMounts(options) }),
    MaskedPaths: orNull(of.spec.linux?.maskedPaths),
    ReadonlyPaths: orNull(of.spec.linux?.readonlyPaths),
    ...(options.process?.init && { Init: true }),
  };
}

function resources(limits: LimitOptions): Json {
  const { memory = 0, memorySwap } = limits;
  return {
    CpuShares: limits.cpuShares ?? 0,
    Memory: memory,
    NanoCpus: limits.nanoCpus ?? 0,
    CgroupParent: limits.cgroupParent ?? '',
    BlkioWeight: limits.blkioWeight ?? 0,
    BlkioWeightDevice: (limits.blkioWeightDevices ?? []).map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: rates(limits.readBps),
    BlkioDeviceWriteBps: rates(limits.writeBps),
    BlkioDeviceReadIOps: rates(limits.readIops),
    BlkioDeviceWriteIOps: rates(limits.writeIops),
    CpuPeriod: limits.cpuPeriod ?? 0,
    CpuQuota: limits.cpuQuota ?? 0,
    CpuRealtimePeriod: limits.cpuRealtimePeriod ?? 0,
    CpuRealtimeRuntime: limits.cpuRealtimeRuntime ?? 0,
    CpusetCpus: limits.cpusetCpus ?? '',
    CpusetMems: limits.cpusetMems ?? '',
    Devices: (limits.devices ?? []).flatMap((device) =>
      'cdi' in device
        ? []
        : [{ PathOnHost: device.source, PathInContainer: device.target, CgroupPermissions: device.access }],
    ),
    DeviceCgroupRules: orNull(
      (limits.deviceRules ?? []).map(
        ({ type, major = '*', minor = '*', access }) => `${type} ${major}:${minor} ${access}`,
      ),
    ),
    DeviceRequests: orNull(deviceRequests(limits)),
    MemoryReservation: limits.memoryReservation ?? 0,
    MemorySwap: memorySwap !== undefined && memorySwap !== 0 ? memorySwap : memory * 2,
    MemorySwappiness: limits.memorySwappiness ?? null,
    OomKillDisable: limits.oomKillDisable ?? false,
    PidsLimit: limits.pids === undefined ? null : limits.pids,
    Ulimits: (limits.ulimits ?? []).map(({ name, hard, soft }) => ({ Name: name, Hard: hard, Soft: soft })),
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
  };
}

const rates = (list: readonly DeviceRate[] = []) => list.map(({ path, rate }) => ({ Path: path, Rate: rate }));

function deviceRequests({ devices = [], gpus = [] }: LimitOptions): readonly Json[] {
  const named = devices.flatMap((device) => ('cdi' in device ? [device.cdi] : []));
  const byCdi =
    named.length === 0 ? [] : [{ Driver: 'cdi', Count: 0, DeviceIDs: named, Capabilities: null, Options: null }];
  const asked = gpus.map(({ driver, count, devices: ids, capabilities, options }) => ({
    Driver: driver,
    Count: count,
    DeviceIDs: orNull(ids),
    Capabilities: [capabilities],
    Options: options,
  }));
  return [...byCdi, ...asked];
}

function networkMode({ mode, target, attachments }: NetworkSettings): string {
  if (mode === 'networks') return attachments[0]?.network ?? 'bridge';
  if (mode === 'container') return `container:${target}`;
  return mode === 'path' ? `ns:${target}` : mode;
}

function portBindings({ ports }: NetworkSettings): Json {
  const bindings: Record<string, unknown[]> = {};
  for (const { hostIp, hostPort, containerPort, protocol } of ports) {
    const key = `${containerPort}/${protocol}`;
    bindings[key] = [...(bindings[key] ?? []), { HostIp: hostIp, HostPort: hostPort === 0 ? '' : String(hostPort) }];
  }
  return bindings;
}

const plainTmpfs = ({ mounts = {} }: CreateOptions) => (mounts.tmpfs ?? []).filter(({ isMount }) => isMount !== true);

/** What `--mount` asked for. */
function dockerMounts({ mounts = {} }: CreateOptions): readonly Json[] {
  const inMemory = (mounts.tmpfs ?? []).filter(({ isMount }) => isMount === true);
  const others = (mounts.volumes ?? []).filter(({ bind }) => bind === undefined);
  return [
    ...inMemory.map(({ target }) => ({ Type: 'tmpfs', Target: target })),
    ...others.map(({ type, source, target, readOnly, propagation }) => ({
      Type: type,
      ...(source !== '' && { Source: source }),
      Target: target,
      ...(readOnly && { ReadOnly: true }),
      ...(propagation !== undefined && { BindOptions: { Propagation: propagation } }),
    })),
  ];
}

const wholeName = (text: string): string => {
  const name = text.trim().toUpperCase();
  return name === 'ALL' || name.startsWith('CAP_') ? name : `CAP_${name}`;
};

const orNull = <T>(list: readonly T[] | undefined): readonly T[] | null =>
  list === undefined || list.length === 0 ? null : list;
