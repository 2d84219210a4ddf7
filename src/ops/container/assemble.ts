import { isAbsolute } from 'node:path';
import { invalidArgument } from '#base/errors';
import type { ContainerSettings, NetworkSettings, StreamSettings } from '#core/engine/container-settings';
import type { RunConfig } from '#lib/oci/image-config';
import { defaultSpec } from '#lib/oci/spec/default-spec';
import { withAnnotations, withReadonlyRootfs, withRootfs } from '#lib/oci/spec/process';
import { withCgroup } from '#lib/oci/spec/resources';
import { type Spec, type User, withProcess } from '#lib/oci/spec/spec';
import type { Engine } from '../engine.ts';
import { type CommandLine, commandLine } from './command-line.ts';
import { labelsOf, type Root } from './create.ts';
import type { CreateOptions } from './create-options.ts';
import { askedHealth, healthSettings } from './health.ts';
import { type Described, dockerConfig, dockerHostConfig } from './host-config.ts';
import type { FoundImage } from './image.ts';
import { findInit } from './init-binary.ts';
import { streamSettings } from './log-streams.ts';
import { type MountPoints, mountPoints } from './mount-points.ts';
import { discardsPorts, exposedPorts, networkSettings } from './network-settings.ts';
import { parseSignal } from './parse/signal.ts';
import { type ChosenRuntime, chooseRuntime } from './runtime.ts';
import { cgroupPath } from './spec/cgroups.ts';
import { withDeviceOptions } from './spec/devices.ts';
import { type LimitedSpec, withLimits } from './spec/limits.ts';
import { ownMounts, withAllMounts } from './spec/mounts.ts';
import { hostnameFor, type NamespaceModes, namespaceModes, withNamespaces, withSysctls } from './spec/namespaces.ts';
import { withSeccompOption, withSecurity } from './spec/security.ts';
import { userFor } from './spec/users.ts';

export interface Assembled {
  readonly spec: Spec;
  readonly settings: ContainerSettings;
  readonly runtime: ChosenRuntime;
  readonly snapshotter: string;
  readonly modes: NamespaceModes;
  readonly exposed: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

export interface Parts {
  readonly id: string;
  readonly name: string;
  readonly stateDir: string;
  readonly image: FoundImage | undefined;
  readonly root: Root;
  readonly undo: AsyncDisposableStack;
}

const bare: RunConfig = {
  user: '',
  env: [],
  workingDir: '',
  exposedPorts: [],
  volumes: [],
  labels: {},
  stopSignal: '',
};
const usualShm = 64 << 20;
const usualStopTimeout = 10;

/** What the parts of a container need to know of each other. */
interface Facts {
  readonly image: RunConfig;
  readonly modes: NamespaceModes;
  readonly hostname: string;
  readonly network: NetworkSettings;
  readonly line: CommandLine;
  readonly user: User;
  readonly init: string | undefined;
  readonly points: MountPoints;
  readonly labels: Readonly<Record<string, string>>;
  readonly streams: StreamSettings;
}

/** Puts together what is run, and what is to be known about it. @throws invalid_argument in docker's words; as the parts do */
export async function assemble(engine: Engine, options: CreateOptions, parts: Parts): Promise<Assembled> {
  const runtime = chooseRuntime(engine, options.runtime ?? '', parts.root.ids);
  runtime.catch(() => {}); // told below
  const facts = await gather(engine, options, parts);
  const { spec, warnings } = await specOf(engine, options, parts, facts);
  const { network: networkOptions = {} } = options;
  return {
    spec,
    settings: settingsFrom(engine, options, parts, { ...facts, spec }),
    runtime: await runtime,
    snapshotter: parts.root.snapshotter,
    modes: facts.modes,
    exposed: exposedPorts(networkOptions, facts.image.exposedPorts).map(({ port, protocol }) => `${port}/${protocol}`),
    labels: facts.points.labels,
    warnings: [
      ...warnings,
      ...(discardsPorts(facts.network, networkOptions)
        ? ['Published ports are discarded when using host network mode']
        : []),
    ],
  };
}

/** Everything that may fail by itself, in the order of what it costs; volumes are made last. */
async function gather(engine: Engine, options: CreateOptions, parts: Parts): Promise<Facts> {
  const { id, name, stateDir, image: found, root, undo } = parts;
  const image = found?.config.config ?? bare;
  const { process: wanted = {}, network: networkOptions = {} } = options;
  const modes = await namespaceModes(engine, options.namespaces ?? {});
  const { hostname: asked = '', domainname = '' } = wanted;
  const hostname = hostnameFor(id, { hostname: asked, domainname }, modes, networkOptions);
  const network = await networkSettings(engine, networkOptions, image.exposedPorts);
  const line = commandLine(options, image, hostname);
  const labels = labelsOf(found, options);
  const logged = { id, name, image: options.image, imageId: found?.id ?? '', stateDir, labels, env: line.env };
  return {
    image,
    modes,
    hostname,
    network,
    line,
    labels,
    user: await userFor(root.path, image.user, wanted),
    init: wanted.init ? await findInit(wanted.initBinary ?? '') : undefined,
    streams: streamSettings(logged, options.streams ?? {}, options.log ?? { driver: 'json-file', options: {} }),
    points: await mountPoints(engine, options.mounts ?? {}, {
      id,
      snapshotter: root.snapshotter,
      rootFd: root.fd,
      ids: root.ids,
      imageVolumes: image.volumes,
      undo,
    }),
  };
}

async function specOf(
  engine: Engine,
  options: CreateOptions,
  { id, stateDir, root }: Parts,
  facts: Facts,
): Promise<LimitedSpec> {
  const { limits = {}, security = {} } = options;
  const { modes, network, line, points, init, user, hostname, streams } = facts;
  const domainname = options.process?.domainname ?? '';
  const { namespace } = engine.scope;
  const remapped = root.ids !== undefined;
  const own = ownMounts({
    ...{ stateDir, remapped, init, hostsDir: engine.layout.hosts(namespace, id) },
    ...{ ipc: modes.ipc, shmBytes: limits.shmSize || usualShm, systemd: line.systemd },
  });
  const joinsUts = modes.uts === 'host' || modes.uts.startsWith('container:');
  const names = joinsUts ? {} : { hostname };
  // Older runtimes know the field of the specification for it not.
  const domain: Readonly<Record<string, string>> =
    domainname === '' || joinsUts ? {} : { 'kernel.domainname': domainname };
  let spec: Spec = { ...defaultSpec(id, namespace), ...names };
  spec = withProcess(spec, {
    user,
    args: line.args,
    env: line.env,
    cwd: line.cwd,
    rlimits: [],
    terminal: streams.terminal,
  });
  spec = withAllMounts(spec, own, points.mounts);
  const path = network.mode === 'path' ? network.target : '';
  spec = withNamespaces(spec, modes, { mode: network.mode, path }, root.ids);
  spec = withSysctls(spec, { ...domain, ...limits.sysctls }, { ...modes, network: network.mode, remapped });
  const limited = withLimits(spec, limits);
  spec = withCgroup(limited.spec, cgroupPath(engine, id, limits.cgroupParent ?? ''));
  spec = await withSecurity(spec, { ...security, writableCgroups: security.writableCgroups || line.systemd });
  spec = await withDeviceOptions(engine, spec, limits, security.privileged ?? false);
  spec = await withSeccompOption(spec, security);
  if (options.mounts?.readOnly) spec = withReadonlyRootfs(spec);
  if (options.rootfs) spec = withRootfs(spec, absolute(options.image));
  return { spec: withAnnotations(spec, options.annotations ?? {}), warnings: limited.warnings };
}

function settingsFrom(
  engine: Engine,
  options: CreateOptions,
  { name, stateDir }: Parts,
  { image, modes, hostname, network, line, points, labels, streams, spec }: Facts & { readonly spec: Spec },
): ContainerSettings {
  const { process: wanted = {}, limits = {} } = options;
  const stopSignal = wanted.stopSignal || image.stopSignal || (line.systemd ? 'SIGRTMIN+3' : 'SIGTERM');
  parseSignal(stopSignal);
  const health = askedHealth(options.health, image.healthcheck);
  const base = {
    ...{ name, stateDir, hostname, network, streams, stopSignal },
    dataStore: engine.layout.store,
    domainname: wanted.domainname ?? '',
    autoRemove: options.autoRemove ?? false,
    stopTimeout: wanted.stopTimeout ?? usualStopTimeout,
    ...(health !== undefined && { health: healthSettings(health) }),
    anonymousVolumes: points.anonymous,
    mounts: points.points,
  };
  const described: Described = {
    ...{ options, labels, settings: base, health, modes },
    spec,
    env: line.asked,
    workdir: wanted.workdir || image.workingDir,
    entrypoint: line.entrypoint,
    cmd: line.cmd,
    exposed: exposedPorts(options.network ?? {}, image.exposedPorts),
    volumes: volumesOf(options, image),
    runtime: options.runtime || 'runc',
    shmBytes: limits.shmSize || usualShm,
    user: wanted.user || image.user,
  };
  return { ...base, config: dockerConfig(described), hostConfig: dockerHostConfig(described) };
}

const volumesOf = ({ mounts = {} }: CreateOptions, image: RunConfig): readonly string[] => [
  ...new Set([
    ...image.volumes,
    ...(mounts.volumes ?? []).flatMap(({ source, target, bind }) =>
      source === '' && bind !== undefined ? [target] : [],
    ),
  ]),
];

function absolute(path: string): string {
  if (!isAbsolute(path)) throw invalidArgument(`rootfs ${path}: wanted an absolute path`);
  return path;
}
