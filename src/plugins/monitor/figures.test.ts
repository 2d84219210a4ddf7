import { expect, test } from 'bun:test';
import { create } from '@bufbuild/protobuf';
import { MetricsSchema as MetricsV1 } from '#api/cgroups/v1/metrics_pb';
import { MetricsSchema as MetricsV2 } from '#api/cgroups/v2/metrics_pb';
import type { Figure } from './figure.ts';
import { figuresV1 } from './figures-v1.ts';
import { figuresV2 } from './figures-v2.ts';

const lines = (figures: readonly Figure[]) =>
  figures
    .filter(({ value }) => value !== 0n)
    .map(
      ({ name, value, labels = {} }) =>
        `${name}${Object.values(labels)
          .map((label) => ` ${label}`)
          .join('')} = ${value}`,
    );

test('figures of the first version have the names that containerd gives them', () => {
  const metrics = create(MetricsV1, {
    pids: { current: 1n, limit: 2n },
    cpu: {
      usage: { total: 3n, kernel: 4n, perCpu: [5n, 6n] },
      throttling: { periods: 7n, throttledPeriods: 8n, throttledTime: 9n },
    },
    memory: {
      rss: 10n,
      pgPgIn: 11n,
      totalPgMajFault: 12n,
      hierarchicalSwapLimit: 2n ** 63n - 1n,
      usage: { usage: 13n, failcnt: 14n },
      kernelTcp: { max: 15n },
    },
    blkio: { ioServiceBytesRecursive: [{ op: 'Read', device: '/dev/sda', major: 8n, minor: 0n, value: 16n }] },
    hugetlb: [{ pagesize: '2MB', usage: 17n }],
  });
  expect(lines(figuresV1(metrics))).toEqual([
    'pids_current = 1',
    'pids_limit = 2',
    'cpu_total_nanoseconds = 3',
    'cpu_kernel_nanoseconds = 4',
    'per_cpu_nanoseconds 0 = 5',
    'per_cpu_nanoseconds 1 = 6',
    'cpu_throttle_periods_total = 7',
    'cpu_throttled_periods_total = 8',
    'cpu_throttled_time_nanoseconds = 9',
    'memory_rss_bytes = 10',
    'memory_pgpgin_bytes = 11',
    'memory_hierarchical_memsw_limit_bytes = 9223372036854775807',
    'memory_total_pgmajfault_bytes = 12',
    'memory_usage_usage_bytes = 13',
    'memory_usage_failcnt_total = 14',
    'memory_kerneltcp_max_bytes = 15',
    'blkio_io_service_bytes_recursive_bytes Read /dev/sda 8 0 = 16',
    'hugetlb_usage_bytes 2MB = 17',
  ]);
});

test('figures of the second version too', () => {
  const metrics = create(MetricsV2, {
    pids: { current: 1n },
    cpu: { usageUsec: 2n, nrThrottled: 3n, throttledUsec: 4n },
    memory: { usage: 5n, usageLimit: 6n, fileMapped: 7n, pgfault: 8n },
    memoryEvents: { oom: 9n },
    io: { usage: [{ major: 8n, minor: 1n, rbytes: 10n, wios: 11n }] },
  });
  expect(lines(figuresV2(metrics))).toEqual([
    'pids_current = 1',
    'cpu_usage_usec_microseconds = 2',
    'cpu_nr_throttled_total = 3',
    'cpu_throttled_usec_microseconds = 4',
    'memory_file_mapped_bytes = 7',
    'memory_pgfault = 8',
    'memory_usage_bytes = 5',
    'memory_usage_limit_bytes = 6',
    'memory_oom_total = 9',
    'io_rbytes_bytes 8 1 = 10',
    'io_wios_total 8 1 = 11',
  ]);
});

test('a message without parts has no figures', () => {
  expect(figuresV1(create(MetricsV1, {}))).toEqual([]);
  expect(figuresV2(create(MetricsV2, {}))).toEqual([]);
});
