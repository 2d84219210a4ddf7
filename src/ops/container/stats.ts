import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { MetricsSchema as V1 } from '#api/cgroups/v1/metrics_pb';
import { MetricsSchema as V2 } from '#api/cgroups/v2/metrics_pb';
import type { Any } from '#base/any';
import { isFault } from '#base/errors';
import type { Engine } from '../engine.ts';

/** What a container uses at a moment: bytes, nanoseconds of processors together, and numbers. */
export interface Usage {
  readonly atMs: number;
  readonly cpuNanos: number;
  readonly memory: number;
  readonly memoryLimit: number;
  readonly received: number;
  readonly sent: number;
  readonly read: number;
  readonly written: number;
  readonly processes: number;
}

/** Of all that run, by id. One call for all; network figures are read beside it. */
export async function usageOf({ client, scope }: Engine, ids: readonly string[]): Promise<ReadonlyMap<string, Usage>> {
  const wanted = new Set(ids);
  const [metrics, tasks] = await Promise.all([client.tasks.metrics(scope), client.tasks.list(scope)]);
  const pids = new Map(tasks.map(({ id, pid }) => [id, pid]));
  const found = metrics.filter(({ id }) => wanted.has(id));
  const entries = found.map(async ({ id, timestamp, data }) => {
    const network = await networkOf(pids.get(id) ?? 0);
    return [id, { atMs: timestamp.seconds * 1000 + timestamp.nanos / 1e6, ...cgroupOf(data), ...network }] as const;
  });
  return new Map(await Promise.all(entries));
}

type CgroupUsage = Omit<Usage, 'atMs' | 'received' | 'sent'>;

function cgroupOf({ typeUrl, value }: Any): CgroupUsage {
  const is = ({ typeName }: DescMessage) => typeUrl.endsWith(typeName);
  if (is(V1)) return fromV1(fromBinary(V1, value));
  if (is(V2)) return fromV2(fromBinary(V2, value));
  throw new Error(`figures of an unknown kind: ${typeUrl}`);
}

/** Without what could be given back at once, as docker counts. */
function fromV1({ cpu, memory, pids, blkio }: MessageShape<typeof V1>): CgroupUsage {
  const used = Number(memory?.usage?.usage ?? 0n);
  const inactive = Number(memory?.totalInactiveFile ?? 0n);
  const moved = (operation: string) =>
    (blkio?.ioServiceBytesRecursive ?? [])
      .filter(({ op }) => op.toLowerCase() === operation)
      .reduce((sum, { value }) => sum + Number(value), 0);
  return {
    cpuNanos: Number(cpu?.usage?.total ?? 0n),
    memory: inactive < used ? used - inactive : used,
    memoryLimit: limited(memory?.usage?.limit),
    read: moved('read'),
    written: moved('write'),
    processes: Number(pids?.current ?? 0n),
  };
}

function fromV2({ cpu, memory, pids, io }: MessageShape<typeof V2>): CgroupUsage {
  const used = Number(memory?.usage ?? 0n);
  const inactive = Number(memory?.inactiveFile ?? 0n);
  const disks = io?.usage ?? [];
  return {
    cpuNanos: Number(cpu?.usageUsec ?? 0n) * 1000,
    memory: inactive < used ? used - inactive : used,
    memoryLimit: limited(memory?.usageLimit),
    read: disks.reduce((sum, { rbytes }) => sum + Number(rbytes), 0),
    written: disks.reduce((sum, { wbytes }) => sum + Number(wbytes), 0),
    processes: Number(pids?.current ?? 0n),
  };
}

/** Nobody gets more than there is. */
function limited(limit: bigint | undefined): number {
  const all = totalmem();
  return limit === undefined || limit === 0n || limit > BigInt(all) ? all : Number(limit);
}

/** As the first process sees it; nothing for one that has gone, and of the machine's own network. */
async function networkOf(pid: number): Promise<Pick<Usage, 'received' | 'sent'>> {
  const none = { received: 0, sent: 0 };
  if (pid === 0) return none;
  try {
    return interfacesIn(await readFile(`/proc/${pid}/net/dev`, 'utf8'));
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || (thrown as NodeJS.ErrnoException).code === 'EINVAL') return none;
    throw thrown;
  }
}

/** Sums of all interfaces of a `/proc/<pid>/net/dev` but the loopback. */
export function interfacesIn(table: string): Pick<Usage, 'received' | 'sent'> {
  let received = 0;
  let sent = 0;
  for (const line of table.split('\n').slice(2)) {
    const [name = '', figures = ''] = line.split(':');
    if (figures === '' || name.trim() === 'lo') continue;
    const columns = figures.trim().split(/\s+/).map(Number);
    received += columns[0] ?? 0;
    sent += columns[8] ?? 0;
  }
  return { received, sent };
}

/** Per cent of one processor between two moments. */
export function cpuPercent(before: Usage | undefined, after: Usage): number {
  if (before === undefined || after.atMs <= before.atMs) return 0;
  return Math.max(0, ((after.cpuNanos - before.cpuNanos) / ((after.atMs - before.atMs) * 1e6)) * 100);
}
