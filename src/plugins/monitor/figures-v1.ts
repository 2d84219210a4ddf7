import type { BlkIOEntry, BlkIOStat, CPUStat, MemoryEntry, Metrics } from '#api/cgroups/v1/metrics_pb';
import { type Figure, figuresOf, snakeCase } from './figure.ts';

/** Control groups' figures of the first version, under containerd's names. */
export function figuresV1({ pids, cpu, memory, blkio, hugetlb }: Metrics): readonly Figure[] {
  return [
    ...figuresOf(pids, (field) => `pids_${field}`),
    ...cpuFigures(cpu),
    ...figuresOf(memory, (field) => `memory_${memoryField(field)}_bytes`),
    ...entryFigures('usage', memory?.usage),
    ...entryFigures('swap', memory?.swap),
    ...entryFigures('kernel', memory?.kernel),
    ...entryFigures('kerneltcp', memory?.kernelTcp),
    ...blockFigures(blkio),
    ...hugetlb.flatMap(({ pagesize, usage, max, failcnt }): Figure[] => [
      { name: 'hugetlb_usage_bytes', kind: 'gauge', value: usage, labels: { page: pagesize } },
      { name: 'hugetlb_max_bytes', kind: 'gauge', value: max, labels: { page: pagesize } },
      { name: 'hugetlb_failcnt_total', kind: 'gauge', value: failcnt, labels: { page: pagesize } },
    ]),
  ];
}

function cpuFigures(cpu: CPUStat | undefined): readonly Figure[] {
  const units = {
    periods: 'throttle_periods_total',
    throttledPeriods: 'throttled_periods_total',
    throttledTime: 'throttled_time_nanoseconds',
  };
  return [
    ...figuresOf(cpu?.usage, (field) => `cpu_${field}_nanoseconds`),
    ...(cpu?.usage?.perCpu ?? []).map(
      (value, i): Figure => ({ name: 'per_cpu_nanoseconds', kind: 'gauge', value, labels: { cpu: String(i) } }),
    ),
    ...figuresOf(cpu?.throttling, (field) =>
      Object.hasOwn(units, field) ? `cpu_${units[field as keyof typeof units]}` : undefined,
    ),
  ];
}

function entryFigures(kind: string, entry: MemoryEntry | undefined): readonly Figure[] {
  return figuresOf(entry, (field) => `memory_${kind}_${field}${field === 'failcnt' ? '_total' : '_bytes'}`);
}

// The kernel writes pgpgin, where the message has pgPgIn; and it calls swap's limit that of both together.
function memoryField(field: string): string {
  if (field === 'hierarchicalSwapLimit') return 'hierarchical_memsw_limit';
  return snakeCase(
    field.replace(/[pP]g(PgIn|PgOut|Fault|MajFault)$/, (word) =>
      word.startsWith('P') ? `_${word.toLowerCase()}` : word.toLowerCase(),
    ),
  );
}

const blockNames: readonly (readonly [keyof BlkIOStat & `${string}Recursive`, string])[] = [
  ['ioServiceBytesRecursive', 'io_service_bytes_recursive_bytes'],
  ['ioServicedRecursive', 'io_serviced_recursive_total'],
  ['ioQueuedRecursive', 'io_queued_recursive_total'],
  ['ioServiceTimeRecursive', 'io_service_time_recursive_nanoseconds'],
  ['ioWaitTimeRecursive', 'io_wait_time_recursive_nanoseconds'],
  ['ioMergedRecursive', 'io_merged_recursive_total'],
  ['ioTimeRecursive', 'io_time_recursive_total'],
  ['sectorsRecursive', 'sectors_recursive_total'],
];

function blockFigures(blkio: BlkIOStat | undefined): readonly Figure[] {
  if (blkio === undefined) return [];
  return blockNames.flatMap(([field, name]) =>
    (blkio[field] as readonly BlkIOEntry[]).map(
      ({ op, device, major, minor, value }): Figure => ({
        ...{ name: `blkio_${name}`, kind: 'gauge', value },
        labels: { op, device, major: String(major), minor: String(minor) },
      }),
    ),
  );
}
