import { chmod } from 'node:fs/promises';
import { flag, table } from '#base/config';
import { Events } from '#core/events/events';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { SandboxController } from '#core/sandboxes/controller';
import { limitsOf } from '../limits.ts';
import { openSandboxes } from './open.ts';

/** Sandboxes under shims, ours or anybody's. The id is what clients know for the sandboxer that every daemon has. */
export default definePlugin({
  slot: SandboxController,
  id: 'shim',
  config: table({
    sched_core: flag({ help: "Ask sandboxes' shims for a core scheduling domain of their own (SCHED_CORE=1)." }),
  }),
  needs: { events: one(Events) },
  async start({ config, rootDir, stateDir, log, daemon }, { events }) {
    // What a sandbox is made of may hold secrets of a pod.
    await Promise.all([rootDir, stateDir].map((path) => chmod(path, 0o700)));
    const { address, ttrpcAddress, executable, version, debug } = daemon;
    return await openSandboxes({
      roots: { state: stateDir, work: rootDir },
      limits: limitsOf((name, fallbackMs) => daemon.timeout(name, fallbackMs)),
      daemon: { grpcAddress: address, ttrpcAddress, executable, version, debug, schedCore: config.sched_core },
      ...{ events, log },
    });
  },
});
