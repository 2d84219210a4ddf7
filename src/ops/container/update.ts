import { fault } from '#base/errors';
import { packSpec, unpackSpec } from '#client/any-json';
import type { Container } from '#core/containers/containers';
import { type ContainerSettings, packSettings, settingsKey } from '#core/engine/container-settings';
import { restartLabels } from '#core/engine/restart-labels';
import type { Labels } from '#core/labels';
import { type Resources, resourcesTypeUrl, type Spec, withResources } from '#lib/oci/spec/spec';
import type { Engine } from '../engine.ts';
import { requireSettings } from './change-settings.ts';
import type { LimitOptions } from './create-options.ts';
import type { RestartPolicy } from './parse/restart.ts';
import { withLimits } from './spec/limits.ts';
import { isAlive, taskOf } from './task-state.ts';

export interface UpdateOptions {
  readonly limits: Pick<
    LimitOptions,
    | 'memory'
    | 'memoryReservation'
    | 'memorySwap'
    | 'nanoCpus'
    | 'cpuQuota'
    | 'cpuPeriod'
    | 'cpuShares'
    | 'cpuRealtimePeriod'
    | 'cpuRealtimeRuntime'
    | 'cpusetCpus'
    | 'cpusetMems'
    | 'pids'
    | 'blkioWeight'
  >;
  readonly restart?: RestartPolicy | undefined;
}

/**
 * Changes what a container may take, at once where it runs and for each later start, and what becomes of it when it ends. What the kernel cannot do comes
 * back as warnings. @throws invalid_argument, conflict in docker's words; then nothing is changed
 */
export async function updateContainer(
  engine: Engine,
  container: Container,
  { limits, restart }: UpdateOptions,
): Promise<readonly string[]> {
  const { client, scope } = engine;
  const settings = requireSettings(container);
  if (restart !== undefined && restart.name !== 'no' && settings.autoRemove)
    throw fault('conflict', 'Restart policy cannot be updated because AutoRemove is enabled for the container');
  const spec = unpackSpec(container.spec);
  const { changes, warnings } = changesOf(spec, limits);
  const isRunning = isAlive(await taskOf(engine, container.id));
  if (isRunning && Object.keys(changes).length > 0) {
    const value = Buffer.from(JSON.stringify(changes));
    await client.tasks.update(scope, container.id, { typeUrl: resourcesTypeUrl, value }, {});
  }
  const labels = restart === undefined ? {} : labelsFor(restart, isRunning);
  const changed: ContainerSettings = {
    ...settings,
    hostConfig: {
      ...settings.hostConfig,
      ...hostConfigOf(limits),
      ...(restart && { RestartPolicy: dockerPolicy(restart) }),
    },
  };
  const extensions = { [settingsKey]: packSettings(changed) };
  await client.containers.update(
    scope,
    { ...container, labels, extensions, spec: packSpec(withResources(spec, merged(spec.linux?.resources, changes))) },
    ['spec', `extensions.${settingsKey}`, ...Object.keys(labels).map((key) => `labels.${key}`)],
  );
  return warnings;
}

/** Only what is asked for. What belongs together is checked with what holds already. */
function changesOf(
  { ociVersion, linux }: Spec,
  limits: UpdateOptions['limits'],
): { readonly changes: Resources; readonly warnings: readonly string[] } {
  const present = linux?.resources?.memory;
  const wantsMemory = (limits.memorySwap ?? limits.memoryReservation) !== undefined;
  const whole = { ...limits, ...(wantsMemory && limits.memory === undefined && { memory: present?.limit }) };
  checkSwap(limits, present?.swap);
  const { spec, warnings } = withLimits({ ociVersion }, whole);
  const { memory, ...others } = spec.linux?.resources ?? {};
  if (memory === undefined) return { changes: others, warnings };
  const { swap, limit, ...rest } = memory;
  const kept = {
    ...rest,
    ...(limit !== undefined && limits.memory !== undefined && { limit }),
    ...(swap !== undefined && limits.memorySwap !== undefined && { swap }),
  };
  return { changes: Object.keys(kept).length === 0 ? others : { ...others, memory: kept }, warnings };
}

function checkSwap({ memory, memorySwap }: UpdateOptions['limits'], swap: number | undefined): void {
  if (memory !== undefined && memorySwap === undefined && swap !== undefined && swap > 0 && memory > swap)
    throw fault(
      'conflict',
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
}

/** A group of limits keeps what is not changed in it. */
const merged = (before: Resources | undefined, changes: Resources): Resources => ({
  ...changes,
  ...(changes.memory !== undefined && { memory: { ...before?.memory, ...changes.memory } }),
  ...(changes.cpu !== undefined && { cpu: { ...before?.cpu, ...changes.cpu } }),
  ...(changes.blockIO !== undefined && { blockIO: { ...before?.blockIO, ...changes.blockIO } }),
});

const names: Readonly<Record<keyof UpdateOptions['limits'], string>> = {
  memory: 'Memory',
  memoryReservation: 'MemoryReservation',
  memorySwap: 'MemorySwap',
  nanoCpus: 'NanoCpus',
  cpuQuota: 'CpuQuota',
  cpuPeriod: 'CpuPeriod',
  cpuShares: 'CpuShares',
  cpuRealtimePeriod: 'CpuRealtimePeriod',
  cpuRealtimeRuntime: 'CpuRealtimeRuntime',
  cpusetCpus: 'CpusetCpus',
  cpusetMems: 'CpusetMems',
  pids: 'PidsLimit',
  blkioWeight: 'BlkioWeight',
};

const hostConfigOf = (limits: UpdateOptions['limits']): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(limits)
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([key, value]) => [names[key as keyof typeof names], value]),
  );

const dockerPolicy = ({ name, retries }: RestartPolicy) => ({ Name: name, MaximumRetryCount: retries });

function labelsFor({ name, retries }: RestartPolicy, isRunning: boolean): Labels {
  return {
    [restartLabels.policy]: retries > 0 ? `${name}:${retries}` : name,
    [restartLabels.count]: '0',
    // The monitor begins with what runs; anything else waits for its start.
    ...(isRunning && { [restartLabels.status]: name === 'no' ? 'created' : 'running' }),
  };
}
