import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { invalidArgument, wrap } from '#base/errors';
import { ensureDefaultApparmor } from '#lib/apparmor';
import { isQualifiedName } from '#lib/cdi/device-name';
import { CdiRegistry } from '#lib/cdi/registry';
import { currentCapabilities, withAddedCapabilities, withDroppedCapabilities } from '#lib/oci/spec/capabilities';
import { defaultSpec } from '#lib/oci/spec/default-spec';
import { devicesAt, hostDevices, withDevices } from '#lib/oci/spec/devices';
import { decodeSpec } from '#lib/oci/spec/encode-spec';
import { withGpus } from '#lib/oci/spec/gpus';
import { parseMount, withHostNames, withMounts } from '#lib/oci/spec/mounts';
import { parseNamespace, withHostNamespace, withNamespace, withUserNamespace } from '#lib/oci/spec/namespaces';
import { withPrivileges } from '#lib/oci/spec/privileged';
import * as process from '#lib/oci/spec/process';
import * as resources from '#lib/oci/spec/resources';
import { defaultSeccomp, parseSeccomp, withSeccomp } from '#lib/oci/spec/seccomp';
import type { Spec } from '#lib/oci/spec/spec';
import { defaultPlatform } from '#lib/platform';
import { parseYaml } from '#sys/yaml';
import { parseLabels } from '../output.ts';
import { withBlockIoFlags } from './block-io.ts';
import type { ContainerFlags, RunFlags } from './container-flags.ts';
import { gpuHook } from './gpus.ts';
import { idMappings } from './id-mappings.ts';

export interface SpecInput {
  readonly id: string;
  readonly namespace: string;
  readonly flags: ContainerFlags & Partial<RunFlags>;
  readonly given: ReadonlySet<string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Puts the image's own wishes into the spec, after what every container has and before what the flags say. */
  readonly applyImage: (spec: Spec) => Promise<Spec>;
}

/** The spec that the flags describe. @throws invalid_argument for flags that make no sense */
export async function containerSpec(input: SpecInput): Promise<Spec> {
  const { flags } = input;
  if (flags.config !== '') return decodeSpec(await readFile(flags.config));
  let spec = defaultSpec(input.id, input.namespace);
  if (flags['env-file'] !== '') spec = process.withEnv(spec, await envFile(flags['env-file']));
  spec = await input.applyImage(process.withEnv(spec, flags.env));
  spec = await withApparmorFlags(withProcessFlags(spec, flags), flags);
  spec = await withIsolationFlags(spec, flags);
  spec = await withResourceFlags(spec, input);
  if (flags.gpus.length > 0) spec = withGpus(spec, await gpuHook(flags.gpus, input.environment));
  return withSeccompFlags(await withCdiFlags(spec, flags), flags);
}

function withProcessFlags(before: Spec, flags: ContainerFlags): Spec {
  let spec = before;
  if (flags.tty) spec = process.withTty(spec);
  if (flags.cwd !== '') spec = process.withCwd(spec, flags.cwd);
  if (flags['allow-new-privs']) spec = process.withNewPrivileges(spec);
  if (flags.hostname !== '') spec = { ...spec, hostname: flags.hostname };
  if (flags['read-only']) spec = process.withReadonlyRootfs(spec);
  if (flags.annotation.length > 0) spec = process.withAnnotations(spec, parseLabels(flags.annotation));
  if (flags['rootfs-propagation'] !== '') spec = resources.withRootfsPropagation(spec, flags['rootfs-propagation']);
  return spec;
}

async function withApparmorFlags(spec: Spec, flags: ContainerFlags): Promise<Spec> {
  const { 'apparmor-profile': existing, 'apparmor-default-profile': usual } = flags;
  if (existing !== '' && usual !== '')
    throw invalidArgument('apparmor-profile conflicts with apparmor-default-profile');
  if (usual !== '') await ensureDefaultApparmor(usual);
  const name = existing || usual;
  return name === '' ? spec : process.withApparmorProfile(spec, name);
}

async function withIsolationFlags(before: Spec, flags: ContainerFlags & Partial<RunFlags>): Promise<Spec> {
  let spec = withMounts(before, flags.mount.map(parseMount));
  const own = flags['privileged-without-host-devices'] === true;
  if (own && !flags.privileged)
    throw invalidArgument("can't use 'privileged-without-host-devices' without 'privileged' specified");
  if (flags.privileged)
    spec = withPrivileges(spec, {
      capabilities: await currentCapabilities(),
      ...(own ? {} : { devices: await hostDevices() }),
    });
  if (flags['net-host']) {
    spec = process.withEnv(withHostNames(withHostNamespace(spec, 'network')), [`HOSTNAME=${hostname()}`]);
  }
  spec = withAddedCapabilities(spec, flags['cap-add']);
  spec = withDroppedCapabilities(spec, flags['cap-drop']);
  for (const text of flags['with-ns']) spec = withNamespace(spec, parseNamespace(text));
  const ids = idMappings(flags);
  return ids === undefined ? spec : withUserNamespace(spec, ids.uids, ids.gids);
}

async function withResourceFlags(before: Spec, { flags, given }: SpecInput): Promise<Spec> {
  let spec = before;
  if (given.has('cgroup')) spec = resources.withCgroup(spec, flags.cgroup ?? '');
  if (flags['memory-limit'] !== 0) spec = resources.withMemoryLimit(spec, flags['memory-limit']);
  const { 'cpuset-cpus': cpuset = '', 'cpuset-mems': mems = '' } = flags;
  if (cpuset !== '' || mems !== '') spec = resources.withCpuset(spec, cpuset, mems);
  spec = await withBlockIoFlags(spec, flags);
  if (flags['rdt-class'] !== '') spec = resources.withRdtClass(spec, flags['rdt-class']);
  const { cpus = 0 } = flags;
  if (cpus > 0) spec = resources.withCpus(spec, cpus);
  if (given.has('cpu-shares') && (flags['cpu-shares'] ?? 0) > 0)
    spec = resources.withCpuShares(spec, flags['cpu-shares'] ?? 0);
  if (flags['cpu-quota'] !== -1 || flags['cpu-period'] !== 0) {
    if (cpus > 0) throw invalidArgument('cpus and quota/period should be used separately');
    spec = resources.withCpuQuota(spec, flags['cpu-quota'], flags['cpu-period']);
  }
  for (const path of flags.device) if (!isQualifiedName(path)) spec = withDevices(spec, await devicesAt(path));
  return spec;
}

async function withCdiFlags(spec: Spec, flags: ContainerFlags): Promise<Spec> {
  const names = flags.device.filter(isQualifiedName);
  if (names.length === 0) return spec;
  const directories = flags['cdi-spec-dirs'];
  const registry = await CdiRegistry.open({ parseYaml, ...(directories.length > 0 && { directories }) });
  return registry.inject(spec, names);
}

/** Last, as the default profile follows the capabilities. */
async function withSeccompFlags(spec: Spec, flags: ContainerFlags): Promise<Spec> {
  const file = flags['seccomp-profile'];
  if (!flags.seccomp) {
    if (file !== '') throw invalidArgument('seccomp must be set to true, if using a custom seccomp-profile');
    return spec;
  }
  if (file === '') return withSeccomp(spec, defaultSeccomp(spec, defaultPlatform().architecture));
  const profile = await readFile(file).catch((thrown: unknown) => {
    throw wrap(thrown, `cannot load seccomp profile ${JSON.stringify(file)}`);
  });
  return withSeccomp(spec, parseSeccomp(profile));
}

async function envFile(path: string): Promise<readonly string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}
