import type { LimitOptions } from '#ops/container/create-options';
import * as device from '#ops/container/parse/device';
import { parseLabel } from '#ops/container/parse/environment';
import { parseCpus, parseUlimit } from '#ops/container/parse/limits';
import { parseSize, parseSizeOrUnlimited } from '#ops/container/parse/size';
import { parseSysctl } from '#ops/container/parse/sysctl';
import { FlagFault } from '../../cli/flags.ts';
import type { ContainerInvocation } from './create-options.ts';
import { readAll, readOne } from './read-flags.ts';
import type { ContainerFlags, ContainerFlagValues } from './run-flags.ts';

/** The flags that limit a container. @throws FlagFault, invalid_argument in docker's words */
export function limitOptions({ flags, given }: Pick<ContainerInvocation, 'flags' | 'given'>): LimitOptions {
  const size = (name: 'memory' | 'memory-reservation' | 'shm-size') =>
    given.has(name) ? readOne(name, flags[name], parseSize) : undefined;
  const number = <K extends keyof ContainerFlags & keyof ContainerFlagValues & string>(name: K) =>
    given.has(name) ? flags[name] : undefined;
  const swappiness = number('memory-swappiness');
  if (swappiness !== undefined && (swappiness < -1 || swappiness > 100))
    throw new FlagFault(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  return {
    memory: size('memory'),
    memoryReservation: size('memory-reservation'),
    memorySwap: given.has('memory-swap')
      ? readOne('memory-swap', flags['memory-swap'], parseSizeOrUnlimited)
      : undefined,
    memorySwappiness: swappiness === -1 ? undefined : swappiness,
    oomKillDisable: flags['oom-kill-disable'],
    oomScoreAdj: number('oom-score-adj'),
    nanoCpus: given.has('cpus') ? readOne('cpus', flags.cpus, parseCpus) : undefined,
    cpuQuota: number('cpu-quota'),
    cpuPeriod: number('cpu-period'),
    cpuShares: number('cpu-shares'),
    cpuRealtimePeriod: number('cpu-rt-period'),
    cpuRealtimeRuntime: number('cpu-rt-runtime'),
    cpusetCpus: flags['cpuset-cpus'],
    cpusetMems: flags['cpuset-mems'],
    pids: number('pids-limit'),
    ulimits: readAll('ulimit', flags.ulimit, parseUlimit),
    shmSize: size('shm-size'),
    ...blockOptions({ flags, given }),
    devices: flags.device.map(device.parseDevice),
    deviceRules: readAll('device-cgroup-rule', flags['device-cgroup-rule'], device.parseDeviceRule),
    gpus: readAll('gpus', flags.gpus, device.parseGpus),
    sysctls: Object.fromEntries(readAll('sysctl', flags.sysctl, parseSysctl)),
    cgroupParent: flags['cgroup-parent'],
    cgroupConf: Object.fromEntries(readAll('cgroup-conf', flags['cgroup-conf'], parseLabel)),
    rdtClass: flags['rdt-class'],
  };
}

function blockOptions({ flags, given }: Pick<ContainerInvocation, 'flags' | 'given'>): LimitOptions {
  return {
    blkioWeight: given.has('blkio-weight') ? flags['blkio-weight'] : undefined,
    blkioWeightDevices: readAll('blkio-weight-device', flags['blkio-weight-device'], device.parseWeight),
    readBps: readAll('device-read-bps', flags['device-read-bps'], device.parseBps),
    writeBps: readAll('device-write-bps', flags['device-write-bps'], device.parseBps),
    readIops: readAll('device-read-iops', flags['device-read-iops'], device.parseIops),
    writeIops: readAll('device-write-iops', flags['device-write-iops'], device.parseIops),
  };
}
