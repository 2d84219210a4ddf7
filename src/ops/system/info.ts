import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { isFault } from '#base/errors';
import { listContainers } from '../container/list.ts';
import type { Engine } from '../engine.ts';
import { listImages } from '../image/list.ts';

/** docker's `info`, as far as there is such a thing here. */
export interface EngineInfo {
  readonly ID: string;
  readonly Containers: number;
  readonly ContainersRunning: number;
  readonly ContainersPaused: number;
  readonly ContainersStopped: number;
  readonly Images: number;
  readonly Driver: string;
  readonly Plugins: { readonly Log: readonly string[]; readonly Storage: readonly string[] };
  readonly LoggingDriver: string;
  readonly CgroupDriver: string;
  readonly CgroupVersion: string;
  readonly KernelVersion: string;
  readonly OperatingSystem: string;
  readonly OSType: string;
  readonly Architecture: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly Name: string;
  readonly ServerVersion: string;
  readonly SecurityOptions: readonly string[];
}

/** @throws unavailable without a daemon */
export async function engineInfo(engine: Engine): Promise<EngineInfo> {
  const { client, scope, config } = engine;
  const [server, version, plugins, containers, images, driver, system] = await Promise.all([
    client.introspection.server(),
    client.version(scope.signal),
    client.introspection.plugins(['type==io.containerd.snapshotter.v1']),
    listContainers(engine, { all: true }),
    listImages(engine),
    client.snapshotterName(scope, config.snapshotter),
    operatingSystem(),
  ]);
  const count = (...states: readonly string[]) => containers.filter(({ state }) => states.includes(state)).length;
  return {
    ID: server.uuid,
    Containers: containers.length,
    ContainersRunning: count('running'),
    ContainersPaused: count('paused'),
    ContainersStopped: containers.length - count('running', 'paused'),
    Images: new Set(images.map(({ id }) => id)).size,
    Driver: driver,
    Plugins: {
      Log: ['fluentd', 'journald', 'json-file', 'none', 'syslog'],
      Storage: plugins.filter(({ initError }) => initError === undefined).map(({ id }) => id),
    },
    LoggingDriver: 'json-file',
    CgroupDriver: config.cgroupManager,
    CgroupVersion: existsSync('/sys/fs/cgroup/cgroup.controllers') ? '2' : '1',
    KernelVersion: release(),
    OperatingSystem: system,
    OSType: 'linux',
    Architecture: arch() === 'x64' ? 'x86_64' : arch() === 'arm64' ? 'aarch64' : arch(),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    Name: hostname(),
    ServerVersion: version.version,
    SecurityOptions: await securityOptions(),
  };
}

/** What the daemon says of itself. @throws unavailable without one */
export async function nativeInfo({ client, scope, config }: Engine): Promise<Readonly<Record<string, unknown>>> {
  const [Server, Version, Plugins, Snapshotter] = await Promise.all([
    client.introspection.server(),
    client.version(scope.signal),
    client.introspection.plugins([]),
    client.snapshotterName(scope, config.snapshotter),
  ]);
  const { namespace: Namespace } = scope;
  return { Namespace, Snapshotter, CgroupManager: config.cgroupManager, Daemon: { Plugins, Server, Version } };
}

async function operatingSystem(): Promise<string> {
  const text = await readIfThere('/etc/os-release');
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? 'Linux';
}

async function securityOptions(): Promise<readonly string[]> {
  const apparmor = (await readIfThere('/sys/module/apparmor/parameters/enabled')).startsWith('Y');
  const seccomp = /^Seccomp:/m.test(await readIfThere('/proc/self/status'));
  return [
    ...(apparmor ? ['name=apparmor'] : []),
    ...(seccomp ? ['name=seccomp,profile=builtin'] : []),
    ...(existsSync('/sys/fs/cgroup/cgroup.controllers') ? ['name=cgroupns'] : []),
  ];
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return '';
    throw thrown;
  }
}
