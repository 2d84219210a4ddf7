import { parseCpus } from '#ops/container/parse/limits';
import { parseRestart } from '#ops/container/parse/restart';
import { parseSize, parseSizeOrUnlimited } from '#ops/container/parse/size';
import { updateContainer } from '#ops/container/update';
import { command } from '../globals.ts';
import { forEachContainer } from './each.ts';
import { readOne } from './read-flags.ts';
import { containerFlags } from './run-flags.ts';

/** Of what a container can be made with, what can be changed later. */
const flags = only([
  'blkio-weight',
  'cpu-period',
  'cpu-quota',
  'cpu-rt-period',
  'cpu-rt-runtime',
  'cpu-shares',
  'cpus',
  'cpuset-cpus',
  'cpuset-mems',
  'kernel-memory',
  'memory',
  'memory-reservation',
  'memory-swap',
  'pids-limit',
  'restart',
]);

function only<K extends keyof typeof containerFlags>(names: readonly K[]): Pick<typeof containerFlags, K> {
  return Object.fromEntries(names.map((name) => [name, containerFlags[name]])) as Pick<typeof containerFlags, K>;
}

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
