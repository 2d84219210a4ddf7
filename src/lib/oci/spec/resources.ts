import { invalidArgument } from '#base/errors';
import { type Resources, type Spec, withLinux, withResources } from './spec.ts';

/** Bytes of memory; the kernel ends what wants more. */
export const withMemoryLimit = (spec: Spec, limit: number): Spec => {
  checkWhole('memory limit', limit, 0);
  return withMemory(spec, { limit });
};

/** Bytes of memory and swap together; -1 for no limit. */
export const withMemorySwap = (spec: Spec, swap: number): Spec => {
  checkWhole('memory and swap limit', swap, -1);
  return withMemory(spec, { swap });
};

/** The weight against others that want the processor too. */
export const withCpuShares = (spec: Spec, shares: number): Spec => {
  checkWhole('cpu shares', shares, 0);
  return withCpu(spec, { shares });
};

/** Microseconds of processor time within each period; a quota of -1 is no limit, a period of 0 the kernel's. */
export const withCpuQuota = (spec: Spec, quota: number, period: number): Spec => {
  checkWhole('cpu quota', quota, -1);
  checkWhole('cpu period', period, 0);
  return withCpu(spec, { quota, period });
};

/** As much time as that many processors have. */
export const withCpus = (spec: Spec, cpus: number): Spec => withCpuQuota(spec, Math.trunc(cpus * cpuPeriod), cpuPeriod);

/** The processors (and, optionally, memory nodes) to run on, as lists such as `0-2,4`. */
export const withCpuset = (spec: Spec, cpus: string, mems = ''): Spec => {
  for (const list of [cpus, mems]) {
    if (!/^(?:\d{1,5}(?:-\d{1,5})?(?:,\d{1,5}(?:-\d{1,5})?)*)?$/.test(list)) {
      throw invalidArgument(`cpuset ${JSON.stringify(list.slice(0, 64))}: wanted numbers and ranges such as 0-2,4`);
    }
  }
  return withCpu(spec, { ...(cpus !== '' && { cpus }), ...(mems !== '' && { mems }) });
};

/** How many processes and threads there may be; -1 for no limit. */
export const withPidsLimit = (spec: Spec, limit: number): Spec => {
  checkWhole('pids limit', limit, -1);
  return withResources(spec, { pids: { limit } });
};

/** The cgroup; an empty path leaves the choice to the runtime. */
export function withCgroup(spec: Spec, path: string): Spec {
  if (path !== '') return withLinux(spec, { cgroupsPath: path });
  const { cgroupsPath: _, ...linux } = spec.linux ?? {};
  return { ...spec, linux };
}

/** The class of cache and memory bandwidth, on processors that have them. */
export const withRdtClass = (spec: Spec, closID: string): Spec => withLinux(spec, { intelRdt: { closID } });

export const withRootfsPropagation = (spec: Spec, rootfsPropagation: string): Spec =>
  withLinux(spec, { rootfsPropagation });

export const withSysctls = (spec: Spec, sysctl: Readonly<Record<string, string>>): Spec =>
  withLinux(spec, { sysctl: { ...spec.linux?.sysctl, ...sysctl } });

const cpuPeriod = 100_000;

function checkWhole(name: string, value: number, lowest: number): void {
  if (!Number.isSafeInteger(value) || value < lowest)
    throw invalidArgument(`${name} ${value}: wanted a whole number from ${lowest}`);
}

const withMemory = (spec: Spec, change: NonNullable<Resources['memory']>): Spec =>
  withResources(spec, { memory: { ...spec.linux?.resources?.memory, ...change } });

const withCpu = (spec: Spec, change: NonNullable<Resources['cpu']>): Spec =>
  withResources(spec, { cpu: { ...spec.linux?.resources?.cpu, ...change } });
