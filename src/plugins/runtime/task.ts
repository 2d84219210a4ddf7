import { flag, list, table, text } from '#base/config';
import { Events } from '#core/events/events';
import { MountManager } from '#core/mounts/mounts';
import { definePlugin } from '#core/plugin/plugin';
import { maybe, one } from '#core/plugin/slot';
import { Runtime } from '#core/runtime/runtime';
import { defaultPlatform, formatPlatform, parsePlatform } from '#lib/platform';
import { checkBundles } from './check-bundles.ts';
import { limitsOf } from './limits.ts';
import { openRuntime } from './open.ts';

/** Containers under shims of containerd's runtime v2 protocol, ours or anybody's. */
export default definePlugin({
  slot: Runtime,
  id: 'task',
  config: table({
    platforms: list(text(), {
      default: [formatPlatform(defaultPlatform())],
      help: 'Platforms whose containers run here: what the plugin list tells clients.',
    }),
    sched_core: flag({ help: 'Ask shims for a core scheduling domain of their own (SCHED_CORE=1).' }),
  }),
  check: { backend: checkBundles },
  needs: { events: one(Events), mounts: maybe(MountManager) },
  exports: { 'log-uri-schemes': 'fifo,binary,binary-v2,file' },
  async start({ config, rootDir, stateDir, signal, log, daemon, setPlatforms, answerQuestions }, { events, mounts }) {
    setPlatforms(config.platforms.map(parsePlatform));
    const { address, ttrpcAddress, executable, version, debug } = daemon;
    const runtime = await openRuntime({
      roots: { state: stateDir, work: rootDir },
      limits: limitsOf(daemon.timeout),
      daemon: { grpcAddress: address, ttrpcAddress, executable, version, debug, schedCore: config.sched_core },
      events,
      ...(mounts !== undefined && { mounts }),
      log,
      signal,
    });
    answerQuestions((question, asking) => runtime.info(question, asking));
    return runtime;
  },
});
