import { join } from 'node:path';
import type { Events } from '#core/events/events';
import type { LocalMountManager } from '#core/mounts/mounts';
import { writeBundleFile } from './bundle.ts';
import { exitToldMark } from './dead-shim.ts';
import type { Environment } from './environment.ts';
import { Exits } from './exits.ts';
import { ShimManager } from './manager.ts';
import { recover } from './recover.ts';
import { ShimBinaries } from './shim-binary.ts';
import { TaskMounts } from './task-mounts.ts';
import { TaskTable } from './task-table.ts';

export interface RuntimeOptions extends Pick<Environment, 'roots' | 'limits' | 'daemon' | 'log'> {
  readonly events: Events;
  /** For roots that shims cannot mount as they are. */
  readonly mounts?: LocalMountManager;
  /** Ends the watch for exits. */
  readonly signal: AbortSignal;
}

/** A runtime that has taken back what an earlier one left running: within the load time-out, or the clean-up's where shims are dead. */
export async function openRuntime(options: RuntimeOptions): Promise<ShimManager> {
  const { events, mounts: manager, signal, log, daemon, ...shared } = options;
  const tasks = new TaskTable();
  const told = (namespace: string, { id, pid }: { readonly id: string; readonly pid: number }) => {
    const task = tasks.find(namespace, id);
    // Shims that lost their daemon tell late: a new container may have the name by then.
    const ofAnother = task === undefined ? tasks.isReserved(namespace, id) : task.pid !== 0 && pid !== task.pid;
    if (ofAnother) return;
    if (task !== undefined) task.exitTold = true;
    // Also for a task that is just being taken back, and stands on no table yet.
    const bundle = task?.shim.bundle ?? { namespace, id, path: join(shared.roots.state, namespace, id) };
    writeBundleFile(bundle, exitToldMark, '').catch((error) => {
      if (task?.deleting === false) log.warn('an exit could not be noted', { id, namespace, error });
    });
  };
  const binaries = new ShimBinaries(daemon.executable, log);
  const mounts = new TaskMounts({ manager, binaries, infoMs: shared.limits.info, log });
  const env: Environment = { ...shared, daemon, log, tasks, binaries, mounts, exits: new Exits(events, told) };
  void env.exits.watch(signal, log).catch((error) => {
    if (!signal.aborted) log.error('exits are not watched any more', { error });
  });
  await recover(env);
  return new ShimManager(env);
}
