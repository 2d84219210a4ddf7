import type { Log } from '#base/log';
import type { Operations } from '#base/operations';
import type { PluginReport } from '#core/plugin/daemon-info';

/** What SIGUSR1 writes into the log: every plugin with its state, every operation that has not ended, memory. */
export function logState(log: Log, plugins: readonly PluginReport[], operations: Operations): void {
  for (const { type, id, status, startMs, initError } of plugins) {
    log.info('state of plugin', {
      plugin: `${type}.${id}`,
      status,
      ...(startMs !== undefined && { startMs: Math.round(startMs * 10) / 10 }),
      ...(initError !== undefined && { error: initError.message }),
    });
  }
  const pending = operations.list();
  const now = Date.now();
  for (const { kind, subject, startedAtMs } of pending) {
    log.info('pending operation', { kind, subject, seconds: (now - startedAtMs) / 1000 });
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  log.info('state of the daemon', {
    operations: pending.length,
    uptimeSeconds: Math.round(process.uptime()),
    rss,
    heapUsed,
    external,
  });
}
