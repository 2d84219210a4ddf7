import type { Metrics } from '#api/cgroups/v2/metrics_pb';
import { type Figure, figuresOf, snakeCase } from './figure.ts';

/** Fields of the memory statistics that count events and not bytes. */
const events: ReadonlySet<string> = new Set([
  'pgfault',
  'pgmajfault',
  'workingsetRefault',
  'workingsetActivate',
  'workingsetNodereclaim',
]);

/** Control groups' figures of the second version, under containerd's names. */
export function figuresV2({ pids, cpu, memory, io, memoryEvents }: Metrics): readonly Figure[] {
  return [
    ...figuresOf(pids, (field) => `pids_${field}`),
    ...figuresOf(cpu, (field) => `cpu_${snakeCase(field)}${field.endsWith('Usec') ? '_microseconds' : '_total'}`),
    ...figuresOf(memory, (field) => `memory_${snakeCase(field)}${events.has(field) ? '' : '_bytes'}`),
    ...(memoryEvents === undefined
      ? []
      : [{ name: 'memory_oom_total', kind: 'gauge', value: memoryEvents.oom } satisfies Figure]),
    ...(io?.usage ?? []).flatMap(({ major, minor, rbytes, wbytes, rios, wios }) => {
      const labels = { major: String(major), minor: String(minor) };
      return [
        { name: 'io_rbytes_bytes', kind: 'gauge', value: rbytes, labels },
        { name: 'io_wbytes_bytes', kind: 'gauge', value: wbytes, labels },
        { name: 'io_rios_total', kind: 'gauge', value: rios, labels },
        { name: 'io_wios_total', kind: 'gauge', value: wios, labels },
      ] satisfies Figure[];
    }),
  ];
}
