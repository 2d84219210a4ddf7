import { type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf';
import { MetricsSchema as V1 } from '#api/cgroups/v1/metrics_pb';
import { MetricsSchema as V2 } from '#api/cgroups/v2/metrics_pb';
import type { Any } from '#base/any';
import { invalidArgument, notFound } from '#base/errors';
import { formatTimestamp } from '#base/timestamp';
import { ctrJson } from '#lib/go-json';
import { text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printTable } from '../output.ts';

export default command({
  name: 'metrics',
  aliases: ['metric'],
  summary: 'get a single data point of metrics for a task with the built-in Linux runtime',
  args: 'CONTAINER',
  completes: ['tasks'],
  flags: { format: text('"table" or "json"', { default: 'table' }) },
  run: async ({ client, scope }, { io, args: [id], flags }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    if (flags.format !== 'table' && flags.format !== 'json') throw invalidArgument('format must be table or json');
    await client.tasks.state(scope, id, ''); // says which of the two is missing
    const [metric] = await client.tasks.metrics(scope, [`id==${id}`]);
    if (metric === undefined) throw notFound(`metrics of task ${id}`);
    if (flags.format === 'json') {
      await io.stdout.write(
        `${ctrJson(toJson(schemaOf(metric.data), fromBinary(schemaOf(metric.data), metric.data.value)) as object).trimEnd()}\n`,
      );
      return 0;
    }
    const at = formatTimestamp(metric.timestamp).replace('T', ' ').replace(/0*Z$/, '');
    await printTable(
      io,
      [
        'ID\tTIMESTAMP\t',
        `${metric.id}\t${at} +0000 UTC\t`,
        '',
        'METRIC\tVALUE\t',
        ...rows(metric.data).map(([name, value]) => `${name}\t${value}\t`),
      ],
      { minWidth: 1, tabWidth: 8, padding: 4, padChar: ' ' },
    );
    return 0;
  },
});

function schemaOf({ typeUrl }: Any): DescMessage {
  const name = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  const schema = [V1, V2].find(({ typeName }) => typeName === name);
  if (schema === undefined) throw invalidArgument(`metrics of an unknown kind: ${typeUrl}`);
  return schema;
}

function rows(data: Any): readonly (readonly [string, string | bigint])[] {
  return schemaOf(data) === V1 ? rowsV1(data) : rowsV2(data);
}

function rowsV1({ value }: Any): readonly (readonly [string, string | bigint])[] {
  const { memory, cpu, pids } = fromBinary(V1, value);
  return [
    ...(memory === undefined
      ? []
      : ([
          ['memory.usage_in_bytes', memory.usage?.usage ?? 0n],
          ['memory.limit_in_bytes', memory.usage?.limit ?? 0n],
          ['memory.stat.cache', memory.totalCache],
        ] as const)),
    ...(cpu === undefined
      ? []
      : ([
          ['cpuacct.usage', cpu.usage?.total ?? 0n],
          ['cpuacct.usage_percpu', `[${(cpu.usage?.perCpu ?? []).join(' ')}]`],
        ] as const)),
    ...(pids === undefined
      ? []
      : ([
          ['pids.current', pids.current],
          ['pids.limit', pids.limit],
        ] as const)),
  ];
}

function rowsV2({ value }: Any): readonly (readonly [string, string | bigint])[] {
  const { memory, cpu, pids } = fromBinary(V2, value);
  return [
    ...(pids === undefined
      ? []
      : ([
          ['pids.current', pids.current],
          ['pids.limit', pids.limit],
        ] as const)),
    ...(cpu === undefined
      ? []
      : ([
          ['cpu.usage_usec', cpu.usageUsec],
          ['cpu.user_usec', cpu.userUsec],
          ['cpu.system_usec', cpu.systemUsec],
          ['cpu.nr_periods', cpu.nrPeriods],
          ['cpu.nr_throttled', cpu.nrThrottled],
          ['cpu.throttled_usec', cpu.throttledUsec],
        ] as const)),
    ...(memory === undefined
      ? []
      : ([
          ['memory.usage', memory.usage],
          ['memory.usage_limit', memory.usageLimit],
          ['memory.swap_usage', memory.swapUsage],
          ['memory.swap_limit', memory.swapLimit],
        ] as const)),
  ];
}
