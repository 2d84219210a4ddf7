import { isFault } from '#base/errors';
import { toMillis } from '#base/timestamp';
import type { Engine } from '../engine.ts';
import { Filters } from '../filters.ts';
import { listContainers } from './list.ts';
import { removeContainer } from './remove.ts';

export const pruneContainerFilters = ['label', 'label!', 'until'] as const;

export interface PrunedContainers {
  readonly ids: readonly string[];
  /** Bytes that their own files took. */
  readonly reclaimed: number;
}

/** Removes all containers that do not run. One that is started meanwhile stays. */
export async function pruneContainers(engine: Engine, filters = new Filters(new Map())): Promise<PrunedContainers> {
  const { client, scope } = engine;
  const until = filters.moment('until');
  const ids: string[] = [];
  let reclaimed = 0;
  for (const { id, state, createdAt, labels } of await listContainers(engine, { all: true })) {
    if (state !== 'exited' && state !== 'created' && state !== 'dead') continue;
    if (!filters.labels(labels) || (until !== undefined && toMillis(createdAt) >= toMillis(until))) continue;
    try {
      const container = await client.containers.get(scope, id);
      const { snapshotKey, snapshotter } = container;
      const usage =
        snapshotKey === '' ? undefined : await (await client.snapshotter(scope, snapshotter)).usage(scope, snapshotKey);
      await removeContainer(engine, container);
      ids.push(id);
      reclaimed += usage?.size ?? 0;
    } catch (thrown) {
      if (!isFault(thrown, 'conflict') && !isFault(thrown, 'not_found')) throw thrown;
    }
  }
  return { ids, reclaimed };
}
