import { throwIfAborted } from '#base/cancellation';
import { fromMillis, type Timestamp } from '#base/timestamp';
import { type ChainLink, References } from '#core/gc/chains';
import type { Collectible } from '#core/gc/collectible';
import type { Node } from '#core/gc/node';
import { expiry } from '#core/gc/references';
import { gentle, inSlices } from '#core/gc/slices';
import { type Explanation, type Link, usualChains } from '#core/gc/why';
import type { Scope } from '#core/scope';
import type { MetaDatabase } from './database.ts';
import { SqliteGraph } from './gc-graph.ts';
import { readLabels } from './rows.ts';

export interface WhyOptions {
  readonly db: MetaDatabase;
  readonly nowMs: number;
  readonly collectibles: ReadonlyMap<string, Collectible>;
  /** What goes on with the object at this moment, in words. */
  inUse(node: Node): readonly string[];
}

/** Goes from the roots of the namespace to the object and tells the ways. See `WhyKept`. */
export async function explain(
  options: WhyOptions,
  { namespace, signal }: Scope,
  { kind, key }: Pick<Node, 'kind' | 'key'>,
  maxChains = usualChains,
): Promise<Explanation> {
  const { db, nowMs, collectibles } = options;
  const node: Node = { kind, namespace, key };
  const shared = { sharedWith: sharers(db, node), inUse: options.inUse(node) };
  const graph = new SqliteGraph({ db, nowMs, collectibles, namespace });
  if (!exists(db, node, collectibles)) return { state: 'absent', chains: [], more: false, ...shared };
  const pace = {
    ...gentle,
    async pause() {
      await gentle.pause();
      throwIfAborted(signal);
    },
  };
  const references = new References(graph);
  await inSlices(references.read(graph.roots()), { busyMs: 0, longestMs: 0 }, pace);
  const { chains, more } = await inSlices(references.chains(node, maxChains), { busyMs: 0, longestMs: 0 }, pace);
  return {
    state: chains.length === 0 ? 'unreferenced' : 'kept',
    chains: chains.map((links) => links.map((link, at) => linkOf(db, link, at === 0))),
    more,
    ...shared,
  };
}

function linkOf(db: MetaDatabase, { node, by }: ChainLink, first: boolean): Link {
  const { kind, key, flat = false } = node;
  const expiresAt = first ? endOfRoot(db, node) : undefined;
  const labelled = first && (kind === 'content' || kind.startsWith('snapshot/'));
  return {
    kind,
    key,
    flat,
    by: labelled ? 'containerd.io/gc.root' : by,
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function endOfRoot(db: MetaDatabase, { kind, namespace, key }: Node): Timestamp | undefined {
  if (kind === 'ingest') {
    const row = db.row<[number]>('SELECT expires FROM ingests WHERE ns = ? AND ref = ?', namespace, key);
    return row === undefined ? undefined : { seconds: row[0], nanos: 0 };
  }
  const sql = { lease: 'SELECT labels FROM leases WHERE ns = ? AND id = ?', image: imageLabels }[kind as string];
  const row = sql === undefined ? undefined : db.row<[string]>(sql, namespace, key);
  const end = row === undefined ? undefined : expiry(readLabels(row[0]));
  return end === undefined ? undefined : fromMillis(end);
}

const imageLabels = 'SELECT labels FROM images WHERE ns = ? AND name = ?';

function exists(db: MetaDatabase, node: Node, collectibles: ReadonlyMap<string, Collectible>): boolean {
  const { kind, namespace, key } = node;
  if (kind.startsWith('other/')) {
    const all = collectibles.get(kind.slice('other/'.length))?.all() ?? [];
    return [...all].some((thing) => thing.namespace === namespace && thing.key === key);
  }
  if (kind.startsWith('snapshot/')) {
    const sql = 'SELECT 1 FROM snapshots WHERE ns = ? AND snapshotter = ? AND name = ?';
    return db.has(sql, namespace, kind.slice('snapshot/'.length), key);
  }
  const sql = rowOf[kind];
  return sql !== undefined && db.has(sql, namespace, key);
}

const rowOf: Readonly<Record<string, string>> = {
  content: 'SELECT 1 FROM blobs WHERE ns = ? AND digest = ?',
  image: 'SELECT 1 FROM images WHERE ns = ? AND name = ?',
  lease: 'SELECT 1 FROM leases WHERE ns = ? AND id = ?',
  ingest: 'SELECT 1 FROM ingests WHERE ns = ? AND ref = ?',
  container: 'SELECT 1 FROM containers WHERE ns = ? AND id = ?',
  sandbox: 'SELECT 1 FROM sandboxes WHERE ns = ? AND id = ?',
};

/** Other namespaces that keep the same bytes in the backend. */
function sharers(db: MetaDatabase, { kind, namespace, key }: Node): readonly string[] {
  if (kind === 'content') {
    const sql = 'SELECT ns FROM blobs WHERE digest = ? UNION SELECT ns FROM ingests WHERE expected = ?';
    return othersIn(db.rows<[string]>(sql, key, key), namespace);
  }
  if (!kind.startsWith('snapshot/')) return [];
  const snapshotter = kind.slice('snapshot/'.length);
  const rows = db.rows<[string]>(
    `SELECT other.ns FROM snapshots AS own JOIN snapshots AS other
     ON other.snapshotter = own.snapshotter AND other.backend_key = own.backend_key
     WHERE own.ns = ? AND own.snapshotter = ? AND own.name = ?`,
    ...[namespace, snapshotter, key],
  );
  return othersIn(rows, namespace);
}

const othersIn = (rows: readonly [string][], namespace: string): string[] =>
  [...new Set(rows.map(([ns]) => ns))].filter((ns) => ns !== namespace).sort();
