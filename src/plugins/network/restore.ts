import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault } from '#base/errors';
import type { Log } from '#base/log';
import type { Process, Runtime } from '#core/runtime/runtime';
import { scopeOf } from '#core/scope';
import { removeNetworkNamespace } from '#sys/network';
import type { ContainerNetworks } from './networks.ts';
import { endPluginsOf } from './plugin-processes.ts';
import type { NetworkRecord, Records } from './record.ts';

export interface RestoreParts {
  readonly records: Records;
  readonly networks: ContainerNetworks;
  readonly runtime: Pick<Runtime, 'state' | 'kill' | 'wait' | 'delete'>;
  readonly namespaces: string;
  readonly log: Log;
}

/**
 * Goes on with the networks of containers that run, and takes down what is left of others: `done` settles when that is over. A container that was being
 * made when the daemon died is taken down too: nobody has heard of it.
 */
export async function restore(parts: RestoreParts): Promise<{ readonly done: Promise<void> }> {
  const { records, networks, namespaces, log } = parts;
  const endings: Promise<void>[] = [];
  const known = new Set<string>();
  await Promise.all(
    (await records.all()).map(async (record) => {
      known.add(record.netns);
      const task = await taskOf(parts, record);
      const live = networks.recall(record);
      if (task !== undefined && record.ready)
        await live.adopt(task.pid).catch((error: unknown) => {
          log.error('a network of an earlier life is not as it was', {
            namespace: record.namespace,
            id: record.id,
            error,
          });
        });
      else endings.push(endOne(parts, record, task).then(() => live.end()));
    }),
  );
  for (const name of await readdir(namespaces)) {
    const path = join(namespaces, name);
    if (!known.has(path)) endings.push(removeStray(path, log));
  }
  if (endings.length > 0) log.info('networks of containers that have ended', { count: endings.length });
  return { done: Promise.all(endings).then(() => {}) };
}

async function removeStray(path: string, log: Log): Promise<void> {
  try {
    await removeNetworkNamespace(path);
  } catch (error) {
    log.warn('a network namespace that nobody has is left', { path, error });
  }
}

/** The task, unless it has ended. One that cannot be asked counts as running. */
async function taskOf(
  { runtime, log }: RestoreParts,
  { namespace, id }: NetworkRecord,
): Promise<Pick<Process, 'pid'> | undefined> {
  try {
    const task = await runtime.state(scopeOf(namespace), id, '');
    return task.status === 'stopped' ? undefined : task;
  } catch (error) {
    if (isFault(error, 'not_found')) return undefined;
    log.warn('a task that does not answer keeps its network', { namespace, id, error });
    return { pid: 0 };
  }
}

const takeDownMs = 30_000;

async function endOne(
  { runtime, log }: RestoreParts,
  { namespace, id }: NetworkRecord,
  task: Pick<Process, 'pid'> | undefined,
): Promise<void> {
  try {
    await endPluginsOf(`${namespace}-${id}`);
    if (task === undefined) return;
    const scope = scopeOf(namespace, { signal: AbortSignal.timeout(takeDownMs) });
    const exit = runtime.wait(scope, id, '');
    await runtime.kill(scope, id, { execId: '', signal: 9, all: true });
    await exit;
    await runtime.delete(scope, id);
  } catch (error) {
    if (!isFault(error, 'not_found'))
      log.warn('a container without a network cannot be taken down', { namespace, id, error });
  }
}
