import { throwIfAborted } from '#base/cancellation';
import { failpoint } from '#base/failpoints';
import type { Collectible } from '#core/gc/collectible';
import type { CollectionStats } from '#core/gc/collector';
import { idOf, Marker } from '#core/gc/marker';
import type { Node } from '#core/gc/node';
import { removalOrder } from '#core/gc/removal-order';
import { type Busy, gentle, inSlices, measured, type Pace } from '#core/gc/slices';
import { imageDeleted, snapshotRemoved } from './announcements.ts';
import type { Change, MetaDatabase } from './database.ts';
import { SqliteGraph } from './gc-graph.ts';
import { abandonIngest, findIngest } from './ingest-rows.ts';
import { deleteSnapshot, findSnapshot, hasChildren } from './snapshot-rows.ts';
import { doom } from './space.ts';

export interface CollectionOptions {
  readonly db: MetaDatabase;
  /** What is collected besides rows, by kind. */
  readonly collectibles: ReadonlyMap<string, Collectible>;
  /** Removes one of these. Must not throw. */
  removeOther(kind: string, node: Node): Promise<void>;
  /** What is in somebody's hands at this moment and has no row that says so. */
  inUse(node: Node): boolean;
  readonly now?: () => number;
  readonly pace?: Pace;
}

/**
 * Marks and sweeps the rows, a millisecond at a time, while everybody goes on: `Marker` tells why that is right. What the rows stood for in the backends
 * is doomed with them and left to the reaper.
 */
export async function collectRows(options: CollectionOptions, signal: AbortSignal): Promise<CollectionStats> {
  const { db, now = Date.now, pace = gentle } = options;
  const begin = performance.now();
  const nowMs = now();
  const busy: Busy = { busyMs: 0, longestMs: 0 };
  const graph = new SqliteGraph({ db, nowMs, collectibles: options.collectibles });
  const marker = new Marker(graph);
  using _ = db.listen({
    touched(nodes) {
      for (const node of nodes) marker.shade(node);
    },
  });
  await inSlices(mark(graph, marker), busy, pace);
  throwIfAborted(signal);
  const garbage = await inSlices(unmarked(graph, marker), busy, pace);
  const order = await inSlices(removalOrder(garbage, graph), busy, pace);
  if (order.length > 0) await failpoint?.('gc.marked');
  const removed: Record<string, number> = {};
  const others: Promise<void>[] = [];
  const take = (change: Change, node: Node) => {
    if (node.kind.startsWith('other/')) others.push(options.removeOther(node.kind.slice('other/'.length), node));
    else if (!removeRow(db, change, node)) return;
    removed[node.kind] = (removed[node.kind] ?? 0) + 1;
  };
  for (let at = 0; at < order.length; ) {
    throwIfAborted(signal);
    // Whatever was touched since is followed to its end, and then the next few rows go in the same breath.
    await inSlices(drain(marker), busy, pace);
    at = await db.writeLazily((change) =>
      measured(busy, () => sweep(options, marker, order, at, (node) => take(change, node))),
    );
    await failpoint?.('gc.swept');
    if (at < order.length) await pace.pause();
  }
  await Promise.all(others);
  const { nextExpiryMs } = graph;
  return {
    ...{ elapsedMs: performance.now() - begin, busyMs: busy.busyMs, longestPauseMs: busy.longestMs, removed },
    ...(nextExpiryMs !== undefined && { nextExpiryMs }),
  };
}

function* mark(graph: SqliteGraph, marker: Marker): Generator<undefined, void> {
  for (const root of graph.roots()) {
    if (root !== undefined) marker.shade(root);
    yield;
  }
  yield* drain(marker);
}

function* drain(marker: Marker): Generator<undefined, void> {
  while (marker.step()) yield;
}

function* unmarked(graph: SqliteGraph, marker: Marker): Generator<undefined, Map<string, Node>> {
  const garbage = new Map<string, Node>();
  for (const node of graph.candidates()) {
    if (node !== undefined && !marker.has(node)) garbage.set(idOf(node), node);
    yield;
  }
  return garbage;
}

/** Removes rows from `at` on for a while, in one transaction; gives where to go on. Removes none while something is still grey. */
function sweep(
  { inUse, pace = gentle }: CollectionOptions,
  marker: Marker,
  order: readonly Node[],
  at: number,
  take: (node: Node) => void,
): number {
  const begin = performance.now();
  let next = at;
  while (next < order.length && marker.idle) {
    const node = order[next] as Node;
    if (!marker.has(node) && !inUse(node)) take(node);
    next++;
    if (performance.now() - begin >= pace.sliceMs) break;
  }
  return next;
}

/** False when it is gone already, or has to stay for now. */
function removeRow(db: MetaDatabase, change: Change, { kind, namespace, key }: Node): boolean {
  switch (kind) {
    case 'content':
      if (db.run('DELETE FROM blobs WHERE ns = ? AND digest = ?', namespace, key) === 0) return false;
      doom(db, 'content', key);
      return true;
    case 'image':
      if (db.run('DELETE FROM images WHERE ns = ? AND name = ?', namespace, key) === 0) return false;
      imageDeleted(change, namespace, key);
      return true;
    case 'lease':
      db.run('DELETE FROM lease_resources WHERE ns = ? AND lease = ?', namespace, key);
      return db.run('DELETE FROM leases WHERE ns = ? AND id = ?', namespace, key) > 0;
    case 'ingest': {
      const row = findIngest(db, namespace, key);
      if (row !== undefined) abandonIngest(db, namespace, row);
      return row !== undefined;
    }
    case 'container':
      return false;
    default:
      return removeSnapshot(db, change, { namespace, snapshotter: kind.slice('snapshot/'.length) }, key);
  }
}

function removeSnapshot(
  db: MetaDatabase,
  change: Change,
  space: { readonly namespace: string; readonly snapshotter: string },
  key: string,
): boolean {
  const row = findSnapshot(db, space, key);
  if (row === undefined || hasChildren(db, space, key)) return false;
  deleteSnapshot(db, space, key);
  doom(db, `snapshot/${space.snapshotter}`, row.backendKey);
  if (row.committing !== undefined) doom(db, `snapshot/${space.snapshotter}`, row.committing.backendKey);
  snapshotRemoved(change, space, key);
  return true;
}
