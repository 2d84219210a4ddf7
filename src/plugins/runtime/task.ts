import { list, table, text } from '#base/config';
import { Events } from '#core/events/events';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { Runtime } from '#core/runtime/runtime';
import { writeBundleFile } from './bundle.ts';
import { exitToldMark } from './dead-shim.ts';
import type { Environment, Limits } from './environment.ts';
import { Exits } from './exits.ts';
import { ShimManager } from './manager.ts';
import { recover } from './recover.ts';
import { ShimBinaries } from './shim-binary.ts';
import { TaskTable } from './task-table.ts';

/** Containers under shims of containerd's runtime v2 protocol, ours or anybody's. */
export default definePlugin({
  slot: Runtime,
  id: 'task',
  config: table({
    platforms: list(text(), { default: ['linux/amd64'], help: 'Platforms whose containers run here.' }),
  }),
  needs: { events: one(Events) },
  exports: { 'log-uri-schemes': 'fifo,binary,file' },
  async start({ rootDir, stateDir, signal, log, daemon }, { events }) {
    const tasks = new TaskTable();
    const told = (namespace: string, id: string) => {
      const task = tasks.find(namespace, id);
      if (task === undefined) return;
      task.exitTold = true;
      writeBundleFile(task.shim.bundle, exitToldMark, '').catch((error) => {
        if (!task.deleting) log.warn('an exit could not be noted', { id, namespace, error });
      });
    };
    const env: Environment = {
      roots: { state: stateDir, work: rootDir },
      limits: limitsOf(daemon.timeout),
      binaries: new ShimBinaries(daemon.executable, log),
      tasks,
      exits: new Exits(events, told),
      log,
      daemon: {
        grpcAddress: daemon.address,
        ttrpcAddress: daemon.ttrpcAddress,
        executable: daemon.executable,
        version: daemon.version,
        debug: daemon.debug,
      },
    };
    void env.exits.watch(signal, log).catch((error) => {
      if (!signal.aborted) log.error('exits are not watched any more', { error });
    });
    await recover(env);
    return new ShimManager(env);
  },
});

function limitsOf(timeout: (name: string, fallbackMs: number) => number): Limits {
  const of = (name: string, fallbackMs: number) => timeout(`io.containerd.timeout.${name}`, fallbackMs);
  return {
    load: of('shim.load', 5_000),
    cleanup: of('shim.cleanup', 5_000),
    shutdown: of('shim.shutdown', 3_000),
    state: of('task.state', 2_000),
    start: of('shim.start', 120_000),
    call: of('task.call', 60_000),
    kill: of('task.kill', 10_000),
  };
}
