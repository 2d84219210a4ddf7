import { sleep } from '#base/cancellation';
import { duration, table } from '#base/config';
import { invalidArgument } from '#base/errors';
import { Events } from '#core/events/events';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one, slot } from '#core/plugin/slot';
import { Runtime } from '#core/runtime/runtime';
import { Tasks } from '#core/runtime/tasks';
import { hearing, restartEnded } from './exits.ts';
import { RestartMonitor } from './monitor.ts';

/**
 * Keeps containers running, or stopped, as their labels ask for: what ends is started again as soon as that is known, and all are looked
 * at from time to time.
 */
export default definePlugin({
  slot: slot<AsyncDisposable>('io.containerd.monitor.container.v1'),
  id: 'restart',
  capabilities: ['no', 'always', 'on-failure', 'unless-stopped'],
  config: table({
    interval: duration({
      default: '10s',
      help: 'Time between two looks at all containers, and the longest wait before one is started again.',
    }),
  }),
  needs: {
    metadata: one(Metadata),
    tasks: one(Tasks, 'tasks-service'),
    runtime: one(Runtime, 'task'),
    events: one(Events),
  },
  start({ config, signal, log }, { metadata, tasks, runtime, events }) {
    if (config.interval <= 0) throw invalidArgument('interval: wanted more than 0s');
    const monitor = new RestartMonitor({ metadata, tasks, runtime, log });
    const loop = (async () => {
      while (!signal.aborted) {
        await monitor.reconcile(signal).catch((error: unknown) => {
          if (!signal.aborted) log.error('restart monitor', { error });
        });
        await sleep(config.interval, signal).catch(() => {}); // told to stop
      }
    })();
    const restarting = hearing(config.interval, signal, log, () =>
      restartEnded(events, config.interval, (ended) => monitor.restart(ended, signal), signal),
    );
    return { [Symbol.asyncDispose]: async () => void (await Promise.all([loop, restarting])) };
  },
});
