import { readdir, readFile } from 'node:fs/promises';
import type { Metrics } from '#base/metrics';

/** What Prometheus's own clients say of every process, read when somebody asks. */
export function processMetrics(metrics: Metrics): void {
  const startedAtSeconds = Date.now() / 1000 - process.uptime();
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    metrics.source(name, 'gauge', help, async () => [{ value: await read() }]);
  metrics.source('process_cpu_seconds_total', 'counter', 'Total user and system CPU time spent in seconds.', () => {
    const { user, system } = process.cpuUsage();
    return [{ value: (user + system) / 1e6 }];
  });
  gauge('process_max_fds', 'Maximum number of open file descriptors.', () => limitOf('Max open files'));
  gauge('process_open_fds', 'Number of open file descriptors.', async () => (await readdir('/proc/self/fd')).length);
  gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss());
  gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', () => startedAtSeconds);
  gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.', async () => {
    const [pages = '0'] = (await readFile('/proc/self/statm', 'utf8')).split(' ');
    return Number(pages) * 4096;
  });
  gauge('process_virtual_memory_max_bytes', 'Maximum amount of virtual memory available in bytes.', () =>
    limitOf('Max address space'),
  );
  gauge('berth_heap_used_bytes', 'Memory that JavaScript objects take.', () => process.memoryUsage().heapUsed);
}

async function limitOf(name: string): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const soft = new RegExp(`^${name}\\s+(\\d+|unlimited)`, 'm').exec(limits)?.[1];
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
