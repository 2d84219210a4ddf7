import type { Graph } from '#core/gc/marker';
import { idOf } from '#core/gc/marker';
import type { Node, NodeKind } from '#core/gc/node';
import { expiry, gcFlag, isFlat, labelBackReferences, labelReferences } from '#core/gc/references';
import type { MetaDatabase } from './database.ts';
import { readLabels } from './rows.ts';
import type { PendingCommit } from './snapshot-rows.ts';

const pageRows = 100;

/** The references between the rows of the database, read at the moment of asking. */
export class SqliteGraph implements Graph {
  readonly #db: MetaDatabase;
  readonly #backReferences = new Map<string, Node[]>();

  constructor(db: MetaDatabase) {
    this.#db = db;
  }

  *references(node: Node): Iterable<Node> {
    yield* this.#ownReferences(node);
    if (node.flat !== true) yield* this.#backReferences.get(idOf(node)) ?? [];
  }

  /**
   * What is kept for its own sake at that time. Before the first root come all back references, which `references` needs. A generator that yields
   * after each row, with a root or without.
   */
  *roots(nowMs: number): Generator<Node | undefined> {
    yield* this.#labelled();
    for (const [ns, id, labels] of this.#pages<[string, string, string]>('leases', 'ns, id', 'ns, id, labels')) {
      const end = expiry(readLabels(labels));
      yield end !== undefined && end <= nowMs ? undefined : { kind: 'lease', namespace: ns, key: id };
    }
    for (const [ns, name, labels] of this.#pages<[string, string, string]>('images', 'ns, name', 'ns, name, labels')) {
      const end = expiry(readLabels(labels));
      yield end !== undefined && end <= nowMs ? undefined : { kind: 'image', namespace: ns, key: name };
    }
    for (const [ns, id] of this.#pages<[string, string]>('containers', 'ns, id', 'ns, id')) {
      yield { kind: 'container', namespace: ns, key: id };
    }
    for (const [ns, ref, expires] of this.#pages<[string, string, number]>('ingests', 'ns, ref', 'ns, ref, expires')) {
      yield expires * 1000 <= nowMs ? undefined : { kind: 'ingest', namespace: ns, key: ref };
    }
  }

  /** Everything that could be garbage: what `isMarked` does not know of these is. Yields after each row. */
  *candidates(nowMs: number): Generator<Node | undefined> {
    const expired = (labels: string) => (expiry(readLabels(labels)) ?? Number.POSITIVE_INFINITY) <= nowMs;
    for (const [ns, id, labels] of this.#pages<[string, string, string]>('leases', 'ns, id', 'ns, id, labels')) {
      yield expired(labels) ? { kind: 'lease', namespace: ns, key: id } : undefined;
    }
    for (const [ns, name, labels] of this.#pages<[string, string, string]>('images', 'ns, name', 'ns, name, labels')) {
      yield expired(labels) ? { kind: 'image', namespace: ns, key: name } : undefined;
    }
    for (const [ns, ref] of this.#pages<[string, string]>('ingests', 'ns, ref', 'ns, ref')) {
      yield { kind: 'ingest', namespace: ns, key: ref };
    }
    for (const [ns, digest] of this.#pages<[string, string]>('blobs', 'ns, digest', 'ns, digest')) {
      yield { kind: 'content', namespace: ns, key: digest };
    }
    const key = 'ns, snapshotter, name';
    for (const [ns, snapshotter, name] of this.#pages<[string, string, string]>('snapshots', key, key)) {
      yield { kind: `snapshot/${snapshotter}`, namespace: ns, key: name };
    }
  }

  /** Blobs and snapshots with `gc.root` or `gc.bref`: an index has them. */
  *#labelled(): Generator<Node | undefined> {
    const flagged = `gc & ${gcFlag.root | gcFlag.backReference}`;
    const roots: Node[] = [];
    const meet = (node: Node, labels: string, gc: number) => {
      if ((gc & gcFlag.root) !== 0) roots.push(node);
      if ((gc & gcFlag.backReference) === 0) return;
      for (const holder of labelBackReferences(readLabels(labels), node.namespace)) {
        const id = idOf(holder);
        this.#backReferences.set(id, [...(this.#backReferences.get(id) ?? []), node]);
      }
    };
    type Blob = [string, string, string, number];
    for (const [ns, digest, labels, gc] of this.#pages<Blob>(
      'blobs',
      'ns, digest',
      'ns, digest, labels, gc',
      flagged,
    )) {
      yield void meet({ kind: 'content', namespace: ns, key: digest }, labels, gc);
    }
    const key = 'ns, snapshotter, name';
    type Snapshot = [string, string, string, string, number];
    for (const [ns, sn, name, labels, gc] of this.#pages<Snapshot>('snapshots', key, `${key}, labels, gc`, flagged)) {
      yield void meet({ kind: `snapshot/${sn}`, namespace: ns, key: name }, labels, gc);
    }
    yield* roots;
  }

  #ownReferences(node: Node): Node[] {
    const { kind, namespace, key, flat = false } = node;
    switch (kind) {
      case 'content':
        return flat ? [] : this.#fromLabels('blobs', 'ns = ? AND digest = ? AND gc & 4', namespace, key);
      case 'image':
        return this.#ofImage(namespace, key, flat);
      case 'lease':
        return this.#ofLease(namespace, key);
      case 'container':
        return this.#ofContainer(namespace, key);
      case 'ingest': {
        const row = this.#db.row<[string | null]>(
          'SELECT expected FROM ingests WHERE ns = ? AND ref = ?',
          namespace,
          key,
        );
        return row === undefined || row[0] === null ? [] : [{ kind: 'content', namespace, key: row[0] }];
      }
      default:
        return this.#ofSnapshot(namespace, kind.slice('snapshot/'.length), key, flat);
    }
  }

  #ofImage(namespace: string, key: string, flat: boolean): Node[] {
    const row = this.#db.row<[string, string]>(
      'SELECT digest, labels FROM images WHERE ns = ? AND name = ?',
      namespace,
      key,
    );
    if (row === undefined) return [];
    const target: Node = { kind: 'content', namespace, key: row[0], flat };
    return flat ? [target] : [target, ...labelReferences(readLabels(row[1]), namespace)];
  }

  #ofLease(namespace: string, key: string): Node[] {
    const row = this.#db.row<[string]>('SELECT labels FROM leases WHERE ns = ? AND id = ?', namespace, key);
    if (row === undefined) return [];
    const flat = isFlat(readLabels(row[0]));
    return this.#db
      .rows<[string, string]>('SELECT type, id FROM lease_resources WHERE ns = ? AND lease = ?', namespace, key)
      .map(([type, id]) => ({ kind: kindOfResource(type), namespace, key: id, flat }));
  }

  #ofContainer(namespace: string, key: string): Node[] {
    const row = this.#db.row<[string, string, string]>(
      'SELECT snapshotter, snapshot_key, labels FROM containers WHERE ns = ? AND id = ?',
      ...[namespace, key],
    );
    if (row === undefined) return [];
    const [snapshotter, snapshotKey, labels] = row;
    const references = labelReferences(readLabels(labels), namespace);
    if (snapshotKey === '') return references;
    return [{ kind: `snapshot/${snapshotter}`, namespace, key: snapshotKey }, ...references];
  }

  #ofSnapshot(namespace: string, snapshotter: string, key: string, flat: boolean): Node[] {
    const row = this.#db.row<[string, string, number, string | null]>(
      'SELECT parent, labels, gc, committing FROM snapshots WHERE ns = ? AND snapshotter = ? AND name = ?',
      ...[namespace, snapshotter, key],
    );
    if (row === undefined) return [];
    const [parent, labels, gc, committing] = row;
    const parents = [parent, committing === null ? '' : (JSON.parse(committing) as PendingCommit).parent];
    const above = parents
      .filter((name) => name !== '')
      .map((name): Node => ({ kind: `snapshot/${snapshotter}`, namespace, key: name, flat }));
    return flat || (gc & gcFlag.reference) === 0
      ? above
      : [...above, ...labelReferences(readLabels(labels), namespace)];
  }

  #fromLabels(table: string, where: string, ...values: string[]): Node[] {
    const row = this.#db.row<[string]>(`SELECT labels FROM ${table} WHERE ${where}`, ...values);
    return row === undefined ? [] : labelReferences(readLabels(row[0]), values[0] ?? '');
  }

  /** All rows in order of their key, read in pages: rows that come and go meanwhile may or may not be among them. */
  *#pages<T extends readonly unknown[]>(table: string, key: string, columns: string, where = '1'): Generator<T> {
    const parts = key.split(', ');
    const marks = parts.map(() => '?').join(', ');
    let after: readonly string[] = parts.map(() => '');
    for (;;) {
      const page = this.#db.rows<T>(
        `SELECT ${columns} FROM ${table} WHERE ${where} AND (${key}) > (${marks}) ORDER BY ${key} LIMIT ${pageRows}`,
        ...after,
      );
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < pageRows) return;
      after = last.slice(0, parts.length) as string[];
    }
  }
}

function kindOfResource(type: string): NodeKind {
  if (type.startsWith('snapshots/')) return `snapshot/${type.slice('snapshots/'.length)}`;
  if (type === 'images') return 'image';
  return type === 'ingests' ? 'ingest' : 'content';
}
