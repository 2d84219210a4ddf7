import { readFileSync, statSync } from 'node:fs';
import { invalidArgument, notFound, notImplemented } from '#base/errors';
import {
  type BlockIo,
  type DiskRate,
  type Resources,
  type Rlimit,
  type Spec,
  withLinux,
  withProcess,
  withResources,
} from '#lib/oci/spec/spec';
import type { LimitOptions } from '../create-options.ts';
import type { DeviceRate } from '../parse/device.ts';
import { hasControl, isUnified } from './cgroups.ts';

export interface LimitedSpec {
  readonly spec: Spec;
  /** What the kernel cannot do, in docker's words. */
  readonly warnings: readonly string[];
}

const mebi = 1 << 20;

/** What a container may take of memory, processors, processes and disks, where control groups are at `root`. @throws invalid_argument in docker's words for limits that cannot be */
export function withLimits(before: Spec, limits: LimitOptions, root = '/sys/fs/cgroup'): LimitedSpec {
  checkMemory(limits);
  checkCpu(limits, root);
  const warnings: string[] = [];
  const memory = memoryOf(limits, warnings, root);
  const cpu = cpuOf(limits);
  const blockIO = blockIoOf(limits, warnings, root);
  let spec = withResources(before, {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(Object.keys(blockIO).length > 0 && { blockIO }),
    ...(limits.pids !== undefined && { pids: { limit: limits.pids <= 0 ? -1 : limits.pids } }),
    ...unifiedOf(limits, root),
  });
  const rlimits = (limits.ulimits ?? []).map(rlimitOf);
  if (rlimits.length > 0) spec = withProcess(spec, { rlimits });
  const { oomScoreAdj, rdtClass = '' } = limits;
  if (oomScoreAdj !== undefined) {
    if (Math.abs(oomScoreAdj) > 1000)
      throw invalidArgument(`Invalid value ${oomScoreAdj}, range for oom score adj is [-1000, 1000]`);
    spec = withProcess(spec, { oomScoreAdj });
  }
  if (rdtClass !== '') spec = withLinux(spec, { intelRdt: { closID: rdtClass } });
  return { spec, warnings };
}

function checkMemory({ memory = 0, memorySwap, memoryReservation = 0 }: LimitOptions): void {
  if (memory > 0 && memory < 6 * mebi) throw invalidArgument('Minimum memory limit allowed is 6MB');
  if (memory === 0 && memorySwap !== undefined && memorySwap > 0)
    throw invalidArgument('You should always set the Memory limit when using Memoryswap limit, see usage');
  if (memory > 0 && memorySwap !== undefined && memorySwap > 0 && memorySwap < memory)
    throw invalidArgument('Minimum memoryswap limit should be larger than memory limit, see usage');
  if (memoryReservation > 0 && memoryReservation < 6 * mebi)
    throw invalidArgument('Minimum memory reservation allowed is 6MB');
  if (memory > 0 && memoryReservation > memory)
    throw invalidArgument('Minimum memory limit can not be less than memory reservation limit, see usage');
}

function memoryOf(limits: LimitOptions, warnings: string[], root: string): NonNullable<Resources['memory']> {
  const { memory = 0, memorySwap = 0, memoryReservation = 0, memorySwappiness, oomKillDisable = false } = limits;
  const hasSwap = hasControl('memory', 'memory.memsw.limit_in_bytes', root);
  if (memorySwap > 0 && !hasSwap)
    warnings.push(
      'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
    );
  if (oomKillDisable && memory === 0)
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  const unified = isUnified(root);
  if (oomKillDisable && unified)
    warnings.push('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
  if (memorySwappiness !== undefined && unified)
    warnings.push(
      'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.',
    );
  // Without a wish as much swap as memory.
  const swap = memorySwap !== 0 ? memorySwap : memory * 2;
  return {
    ...(memory > 0 && { limit: memory }),
    ...(memoryReservation > 0 && { reservation: memoryReservation }),
    ...(swap !== 0 && hasSwap && (memory > 0 || swap === -1) && { swap }),
    ...(memorySwappiness !== undefined && !unified && { swappiness: memorySwappiness }),
    ...(oomKillDisable && !unified && { disableOOMKiller: true }),
  };
}

function checkCpu(limits: LimitOptions, root: string): void {
  const { nanoCpus = 0, cpuQuota = 0, cpuPeriod = 0, cpuShares = 0 } = limits;
  if (nanoCpus > 0 && cpuPeriod > 0)
    throw invalidArgument('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (nanoCpus > 0 && cpuQuota > 0)
    throw invalidArgument('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  const processors = onlineProcessors();
  if (
    limits.nanoCpus !== undefined &&
    (nanoCpus < 0 || (nanoCpus > 0 && nanoCpus < 1e7) || nanoCpus > processors.length * 1e9)
  )
    throw invalidArgument(
      `range of CPUs is from 0.01 to ${processors.length.toFixed(2)}, as there are only ${processors.length} CPUs available`,
    );
  if (cpuShares < 0) throw invalidArgument(`invalid CPU shares (${cpuShares}): value must be a positive integer`);
  if (cpuPeriod !== 0 && (cpuPeriod < 1000 || cpuPeriod > 1_000_000))
    throw invalidArgument('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  if (cpuQuota > 0 && cpuQuota < 1000) throw invalidArgument('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  checkSet('cpuset cpus', 'CPUs', limits.cpusetCpus ?? '', '/sys/devices/system/cpu/online');
  checkSet('cpuset mems', 'memory nodes', limits.cpusetMems ?? '', '/sys/devices/system/node/online');
  const { cpuRealtimePeriod = 0, cpuRealtimeRuntime = 0 } = limits;
  if (
    (cpuRealtimePeriod !== 0 || cpuRealtimeRuntime !== 0) &&
    (isUnified(root) || !hasControl('cpu', 'cpu.rt_runtime_us', root))
  )
    throw notImplemented('kernel does not support CPU real-time scheduler');
  if (cpuRealtimeRuntime !== 0 && cpuRealtimePeriod !== 0 && cpuRealtimeRuntime > cpuRealtimePeriod)
    throw invalidArgument('cpu real-time runtime cannot be higher than cpu real-time period');
}

function cpuOf(limits: LimitOptions): NonNullable<Resources['cpu']> {
  const { nanoCpus = 0, cpuQuota = 0, cpuPeriod = 0, cpuShares = 0, cpusetCpus = '', cpusetMems = '' } = limits;
  const { cpuRealtimePeriod = 0, cpuRealtimeRuntime = 0 } = limits;
  const period = 100_000;
  return {
    ...(nanoCpus > 0 && { quota: Math.trunc((nanoCpus * period) / 1e9), period }),
    ...(cpuQuota !== 0 && { quota: cpuQuota }),
    ...(cpuPeriod !== 0 && { period: cpuPeriod }),
    ...(cpuShares > 0 && { shares: cpuShares }),
    ...(cpuRealtimePeriod !== 0 && { realtimePeriod: cpuRealtimePeriod }),
    ...(cpuRealtimeRuntime !== 0 && { realtimeRuntime: cpuRealtimeRuntime }),
    ...(cpusetCpus !== '' && { cpus: cpusetCpus }),
    ...(cpusetMems !== '' && { mems: cpusetMems }),
  };
}

const onlineProcessors = (): readonly number[] =>
  numbersIn(readFileSync('/sys/devices/system/cpu/online', 'utf8').trim()) ?? [];

function checkSet(what: string, named: string, text: string, online: string): void {
  if (text === '') return;
  const wanted = numbersIn(text);
  if (wanted === undefined)
    throw invalidArgument(`Invalid value ${text.slice(0, 64)} for ${what}: invalid format: ${text.slice(0, 64)}`);
  const available = readFileSync(online, 'utf8').trim();
  const there = new Set(numbersIn(available));
  if (!wanted.every((one) => there.has(one)))
    throw invalidArgument(`Requested ${named} are not available - requested ${text}, available: ${available}`);
}

/** Reads `0-2,4`; undefined for what is none. */
function numbersIn(list: string): readonly number[] | undefined {
  const found: number[] = [];
  for (const part of list.split(',')) {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
    if (first === undefined || Number(first) > Number(last)) return undefined;
    for (let one = Number(first); one <= Number(last); one++) found.push(one);
  }
  return found;
}

function blockIoOf(limits: LimitOptions, warnings: string[], root: string): BlockIo {
  const { blkioWeight = 0, blkioWeightDevices = [] } = limits;
  if (blkioWeight !== 0 && (blkioWeight < 10 || blkioWeight > 1000))
    throw invalidArgument('Range of blkio weight is from 10 to 1000');
  const hasWeight = hasControl('blkio', 'blkio.weight', root) || hasControl('blkio', 'blkio.bfq.weight', root);
  if (!hasWeight && blkioWeight !== 0)
    warnings.push('Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.');
  if (!hasWeight && blkioWeightDevices.length > 0)
    warnings.push(
      'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.',
    );
  const weights = blkioWeightDevices.map(({ path, weight }) => ({ ...disk(path), weight }));
  const lists = {
    throttleReadBpsDevice: limits.readBps,
    throttleWriteBpsDevice: limits.writeBps,
    throttleReadIOPSDevice: limits.readIops,
    throttleWriteIOPSDevice: limits.writeIops,
  };
  const rates = Object.entries(lists).flatMap(([key, list]) =>
    list === undefined || list.length === 0 ? [] : [[key, list.map(rateOf)] as const],
  );
  return {
    ...(hasWeight && blkioWeight !== 0 && { weight: blkioWeight }),
    ...(hasWeight && weights.length > 0 && { weightDevice: weights }),
    ...Object.fromEntries(rates),
  };
}

const rateOf = ({ path, rate }: DeviceRate): DiskRate => ({ ...disk(path), rate });

function disk(path: string): { readonly major: number; readonly minor: number } {
  let found: ReturnType<typeof statSync>;
  try {
    found = statSync(path);
  } catch (cause) {
    throw notFound(`no such file or directory: ${path}`, cause);
  }
  if (!found?.isBlockDevice()) throw invalidArgument(`${path} is no block device`);
  const { rdev } = found;
  return { major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00) };
}

function unifiedOf({ cgroupConf = {} }: LimitOptions, root: string): Pick<Resources, 'unified'> {
  if (Object.keys(cgroupConf).length === 0) return {};
  if (!isUnified(root)) throw notImplemented('cgroup-conf: this machine has no cgroup v2');
  for (const key of Object.keys(cgroupConf))
    if (!/^[a-z]+(?:\.[a-z0-9_.]+)+$/.test(key))
      throw invalidArgument(`cgroup-conf: ${JSON.stringify(key)} is no control's file`);
  return { unified: cgroupConf };
}

function rlimitOf({
  name,
  soft,
  hard,
}: {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}): Rlimit {
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: unlimited(soft), hard: unlimited(hard) };
}

/** 2⁶⁴-1 stands for no limit, which no program in JavaScript can hand on: the greatest number that it can is as good as none. */
const unlimited = (value: number): number => (value === -1 ? 2 ** 64 - 2048 : value);
