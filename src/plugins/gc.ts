import { duration, number, table } from '#base/config';
import { Collector } from '#core/gc/collector';
import { Scheduler } from '#core/gc/scheduler';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';

/** Collects what nothing refers to, by containerd's schedule. */
export default definePlugin({
  slot: Collector,
  id: 'scheduler',
  config: table({
    pause_threshold: number({
      default: 0.02,
      min: 0,
      max: 0.5,
      fraction: true,
      help: 'Share of the time that collections may hold the daemon; 0 for no limit.',
    }),
    deletion_threshold: number({
      default: 0,
      min: 0,
      help: 'So many deletions make a collection due at once; 0: they wait for the next turn.',
    }),
    mutation_threshold: number({
      default: 100,
      min: 0,
      help: 'So many changes of any kind make a collection due; 0: only deletions do.',
    }),
    schedule_delay: duration({ default: '0ms', help: 'How long a collection that is due waits for more to come.' }),
    startup_delay: duration({ default: '100ms', help: 'When the first collection after the start begins.' }),
  }),
  needs: { metadata: one(Metadata) },
  start({ config, log, daemon }, { metadata }) {
    const runs = daemon.metrics.counter('containerd_gc_collections_total', 'Garbage collections run.', ['status']);
    const seconds = daemon.metrics.histogram('containerd_gc_gc_seconds', 'Time that garbage collections took.');
    const scheduler = new Scheduler({
      pauseThreshold: config.pause_threshold,
      deletionThreshold: config.deletion_threshold,
      mutationThreshold: config.mutation_threshold,
      scheduleDelayMs: config.schedule_delay,
      startupDelayMs: config.startup_delay,
      log,
      async run(signal) {
        using _ = daemon.operations.begin('garbage collection', '');
        return await metadata.collect(signal);
      },
      ran(stats) {
        runs.add(1, stats === undefined ? 'fail' : 'success');
        if (stats !== undefined) seconds.observe(stats.elapsedMs / 1000);
      },
    });
    const listening = metadata.onMutation(({ deletion, expiresAtMs }) => {
      scheduler.changed(deletion);
      if (expiresAtMs !== undefined) scheduler.expires(expiresAtMs);
    });
    return {
      collect: (signal) => scheduler.collect(signal),
      async [Symbol.asyncDispose]() {
        listening[Symbol.dispose]();
        await scheduler[Symbol.asyncDispose]();
      },
    };
  },
});
