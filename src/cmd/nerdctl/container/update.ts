import { parseCpus } from '#ops/container/parse/limits';
import { parseRestart } from '#ops/container/parse/restart';
import { parseSize, parseSizeOrUnlimited } from '#ops/container/parse/size';
import { updateContainer } from '#ops/container/update';
import { command } from '../globals.ts';
import { forEachContainer } from './each.ts';
import { readOne } from './read-flags.ts';
import { containerFlags } from './run-flags.ts';

const {
  'blkio-weight': blkioWeight,
  'cpu-period': cpuPeriod,
  'cpu-quota': cpuQuota,
  'cpu-rt-period': cpuRtPeriod,
  'cpu-rt-runtime': cpuRtRuntime,
  'cpu-shares': cpuShares,
  cpus,
  'cpuset-cpus': cpusetCpus,
  'cpuset-mems': cpusetMems,
  'kernel-memory': kernelMemory,
  memory,
  'memory-reservation': memoryReservation,
  'memory-swap': memorySwap,
  'pids-limit': pidsLimit,
  restart,
} = containerFlags;

const flags = {
  'blkio-weight': blkioWeight,
  'cpu-period': cpuPeriod,
  'cpu-quota': cpuQuota,
  'cpu-rt-period': cpuRtPeriod,
  'cpu-rt-runtime': cpuRtRuntime,
  'cpu-shares': cpuShares,
  cpus,
  'cpuset-cpus': cpusetCpus,
  'cpuset-mems': cpusetMems,
  'kernel-memory': kernelMemory,
  memory,
  'memory-reservation': memoryReservation,
  'memory-swap': memorySwap,
  'pids-limit': pidsLimit,
  restart,
};

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER [CONTAINER...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['containers...'],
    flags,
    run: (engine, { io, args, flags: values, given }) => {
      const number = (
        name:
          | 'blkio-weight'
          | 'cpu-period'
          | 'cpu-quota'
          | 'cpu-rt-period'
          | 'cpu-rt-runtime'
          | 'cpu-shares'
          | 'pids-limit',
      ) => (given.has(name) ? values[name] : undefined);
      const size = (name: 'memory' | 'memory-reservation') =>
        given.has(name) ? readOne(name, values[name], parseSize) : undefined;
      const word = (name: 'cpuset-cpus' | 'cpuset-mems') => (given.has(name) ? values[name] : undefined);
      const limits = {
        memory: size('memory'),
        memoryReservation: size('memory-reservation'),
        memorySwap: given.has('memory-swap')
          ? readOne('memory-swap', values['memory-swap'], parseSizeOrUnlimited)
          : undefined,
        nanoCpus: given.has('cpus') ? readOne('cpus', values.cpus, parseCpus) : undefined,
        cpuQuota: number('cpu-quota'),
        cpuPeriod: number('cpu-period'),
        cpuShares: number('cpu-shares'),
        cpuRealtimePeriod: number('cpu-rt-period'),
        cpuRealtimeRuntime: number('cpu-rt-runtime'),
        cpusetCpus: word('cpuset-cpus'),
        cpusetMems: word('cpuset-mems'),
        pids: number('pids-limit'),
        blkioWeight: number('blkio-weight'),
      };
      const options = { limits, restart: given.has('restart') ? parseRestart(values.restart) : undefined };
      return forEachContainer(engine, io, args, async (container, said) => {
        for (const warning of await updateContainer(engine, container, options))
          await io.stderr.write(`WARNING: ${warning}\n`);
        return said;
      });
    },
  });
