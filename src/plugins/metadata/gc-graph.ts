import type { Collectible, CollectibleThing } from '#core/gc/collectible';
import type { Graph } from '#core/gc/marker';
import { idOf } from '#core/gc/marker';
import type { Node, NodeKind, Reference } from '#core/gc/node';
import {
  conditionalReferences,
  expiry,
  gcFlag,
  isFlat,
  labelBackReferences,
  labelReferences,
  usedAt,
} from '#core/gc/references';
import type { Labels } from '#core/labels';
import type { MetaDatabase } from './database.ts';
import { readLabels } from './rows.ts';
import type { PendingCommit } from './snapshot-rows.ts';

const pageRows = 100;

export interface GraphOptions {
  readonly db: MetaDatabase;
  /** The time at which expiry and conditions are judged. */
  readonly nowMs: number;
  /** What is collected besides rows, by kind. */
  readonly collectibles: ReadonlyMap<string, Collectible>;
  /** Roots, and back references, of this namespace only. */
  readonly namespace?: string;
}

/** The references between the rows of the database, read at the moment of asking. */
export class SqliteGraph implements Graph {
  readonly #db: MetaDatabase;
  readonly #nowMs: number;
  #nextExpiryMs: number | undefined;
  /** '' for all. */
  readonly #namespace: string;
  readonly #collectibles: ReadonlyMap<string, Collectible>;
  readonly #others: ReadonlySet<string>;
  readonly #backReferences = new Map<string, Reference[]>();
  /** What is not in rows, as it was when the roots were read; by id, and what each lease has of it. */
  readonly #things = new Map<string, CollectibleThing>();
  readonly #leased = new Map<string, Reference[]>();

  constructor({ db, nowMs, collectibles, namespace = '' }: GraphOptions) {
    this.#db = db;
    this.#namespace = namespace;
    this.#nowMs = nowMs;
    this.#collectibles = collectibles;
    this.#others = new Set(collectibles.keys());
  }

  *references(node: Node): Iterable<Reference> {
    yield* this.#ownReferences(node);
    if (node.flat !== true) yield* this.#backReferences.get(idOf(node)) ?? [];
  }

  /**
   * What is kept for its own sake. With the roots come all back references, which `references` needs: it must not be asked before the end. A
   * generator that yields after each row, with a root or without.
   */
  *roots(): Generator<Node | undefined> {
    yield* this.#labelled();
    yield* this.#collectibleRoots();
    for (const [ns, id, labels] of this.#pages<[string, string, string]>('leases', 'ns, id', 'ns, id, labels')) {
      yield this.#expired(expiry(readLabels(labels))) ? undefined : { kind: 'lease', namespace: ns, key: id };
    }
    for (const [ns, name, text] of this.#pages<[string, string, string]>('images', 'ns, name', 'ns, name, labels')) {
      const labels = readLabels(text);
      const image: Node = { kind: 'image', namespace: ns, key: name };
      const expired = this.#expired(expiry(labels));
      // One that has not expired is a root, and needs nobody to keep it.
      if (expired) for (const holder of labelBackReferences(labels, ns)) this.#keptWith(holder, image);
      yield expired ? undefined : image;
    }
    for (const [ns, id] of this.#pages<[string, string]>('containers', 'ns, id', 'ns, id')) {
      yield { kind: 'container', namespace: ns, key: id };
    }
    for (const [ns, id] of this.#pages<[string, string]>('sandboxes', 'ns, id', 'ns, id')) {
      yield { kind: 'sandbox', namespace: ns, key: id };
    }
    for (const [ns, ref, expires] of this.#pages<[string, string, number]>('ingests', 'ns, ref', 'ns, ref, expires')) {
      yield this.#expired(expires * 1000) ? undefined : { kind: 'ingest', namespace: ns, key: ref };
    }
  }

  /** When the first root that has an end is one no more; only what `roots` has yielded. */
  get nextExpiryMs(): number | undefined {
    return this.#nextExpiryMs;
  }

  #expired(endMs: number | undefined): boolean {
    if (endMs === undefined) return false;
    if (endMs > this.#nowMs) this.#nextExpiryMs = Math.min(this.#nextExpiryMs ?? endMs, endMs);
    return endMs <= this.#nowMs;
  }

  /** Everything that could be garbage: what `isMarked` does not know of these is. Yields after each row. */
  *candidates(): Generator<Node | undefined> {
    const expired = (labels: string) => (expiry(readLabels(labels)) ?? Number.POSITIVE_INFINITY) <= this.#nowMs;
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
    for (const { kind, all } of this.#collectiblesNow()) {
      for (const thing of all) yield { kind, namespace: thing.namespace, key: thing.key };
    }
  }

  /** Blobs and snapshots with `gc.root` or `gc.bref`: an index has them. */
  *#labelled(): Generator<Node | undefined> {
    const flagged = `gc & ${gcFlag.root | gcFlag.backReference}`;
    const roots: Node[] = [];
    const meet = (node: Node, labels: string, gc: number) => {
      if ((gc & gcFlag.root) !== 0) roots.push(node);
      if ((gc & gcFlag.backReference) === 0) return;
      for (const holder of labelBackReferences(readLabels(labels), node.namespace)) this.#keptWith(holder, node);
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

  *#collectibleRoots(): Generator<Node | undefined> {
    for (const { kind, all } of this.#collectiblesNow()) {
      for (const thing of all) {
        const { namespace, key, lease, root = false, backReferences = [] } = thing;
        if (this.#namespace !== '' && namespace !== this.#namespace) continue;
        const node: Node = { kind, namespace, key };
        this.#things.set(idOf(node), thing);
        for (const holder of backReferences) this.#keptWith({ ...holder, by: kind }, node);
        if (lease !== undefined) append(this.#leased, `${namespace}\n${lease}`, { ...node, by: 'lease' });
        yield root && lease === undefined ? node : undefined;
      }
    }
  }

  #collectiblesNow(): { readonly kind: NodeKind; readonly all: Iterable<CollectibleThing> }[] {
    return [...this.#collectibles.values()].map((collectible) => ({
      kind: `other/${collectible.kind}`,
      all: [...collectible.all()],
    }));
  }

  /** `node` is kept when `holder` is. */
  #keptWith(holder: Reference, node: Node): void {
    append(this.#backReferences, idOf(holder), { ...node, by: holder.by });
  }

  #ownReferences(node: Node): readonly Reference[] {
    const { kind, namespace, key, flat = false } = node;
    switch (kind) {
      case 'content':
        return flat ? [] : this.#ofContent(namespace, key);
      case 'image':
        return this.#ofImage(namespace, key, flat);
      case 'lease':
        return this.#ofLease(namespace, key);
      case 'container':
        return this.#ofContainer(namespace, key);
      case 'sandbox':
        return this.#ofSandbox(namespace, key);
      case 'ingest': {
        const row = this.#db.row<[string | null]>(
          'SELECT expected FROM ingests WHERE ns = ? AND ref = ?',
          namespace,
          key,
        );
        return row === undefined || row[0] === null
          ? []
          : [{ kind: 'content', namespace, key: row[0], by: 'expected' }];
      }
      default:
        if (kind.startsWith('other/')) return this.#ofThing(node);
        return this.#ofSnapshot(namespace, kind.slice('snapshot/'.length), key, flat);
    }
  }

  #ofContent(namespace: string, key: string): Reference[] {
    const row = this.#db.row<[string]>(
      'SELECT labels FROM blobs WHERE ns = ? AND digest = ? AND gc & 4',
      namespace,
      key,
    );
    return row === undefined ? [] : this.#fromLabels(readLabels(row[0]), namespace);
  }

  #ofThing(node: Node): readonly Reference[] {
    const known = this.#things.get(idOf(node));
    const found = known ?? this.#newThing(node);
    return (found?.references ?? []).map((target) => ({ ...target, by: node.kind }));
  }

  /** One that has come since the roots were read. */
  #newThing({ kind, namespace, key }: Node): CollectibleThing | undefined {
    const all = this.#collectibles.get(kind.slice('other/'.length))?.all() ?? [];
    for (const thing of all) if (thing.namespace === namespace && thing.key === key) return thing;
    return undefined;
  }

  /** What labels of an image or a blob refer to; of what they refer to on a condition, where that holds. */
  #fromLabels(labels: Labels, namespace: string): Reference[] {
    const conditional = conditionalReferences(labels, namespace).filter(({ kind, key, holds }) => {
      const row = this.#db.row<[string]>(
        'SELECT labels FROM snapshots WHERE ns = ? AND snapshotter = ? AND name = ?',
        ...[namespace, kind.slice('snapshot/'.length), key],
      );
      return row !== undefined && usedAt(readLabels(row[0])).some((at) => holds(at, this.#nowMs));
    });
    return [...labelReferences(labels, namespace, this.#others), ...conditional];
  }

  #ofImage(namespace: string, key: string, flat: boolean): Reference[] {
    const row = this.#db.row<[string, string]>(
      'SELECT digest, labels FROM images WHERE ns = ? AND name = ?',
      namespace,
      key,
    );
    if (row === undefined) return [];
    const target: Reference = { kind: 'content', namespace, key: row[0], flat, by: 'target' };
    return flat ? [target] : [target, ...this.#fromLabels(readLabels(row[1]), namespace)];
  }

  #ofLease(namespace: string, key: string): Reference[] {
    const row = this.#db.row<[string]>('SELECT labels FROM leases WHERE ns = ? AND id = ?', namespace, key);
    if (row === undefined) return [];
    const flat = isFlat(readLabels(row[0]));
    const rows = this.#db
      .rows<[string, string]>('SELECT type, id FROM lease_resources WHERE ns = ? AND lease = ?', namespace, key)
      .map(([type, id]): Reference => ({ kind: kindOfResource(type), namespace, key: id, flat, by: 'lease' }));
    return [...rows, ...(this.#leased.get(`${namespace}\n${key}`) ?? [])];
  }

  #ofContainer(namespace: string, key: string): Reference[] {
    const row = this.#db.row<[string, string, string]>(
      'SELECT snapshotter, snapshot_key, labels FROM containers WHERE ns = ? AND id = ?',
      ...[namespace, key],
    );
    if (row === undefined) return [];
    const [snapshotter, snapshotKey, labels] = row;
    const references = labelReferences(readLabels(labels), namespace, this.#others);
    if (snapshotKey === '') return references;
    return [{ kind: `snapshot/${snapshotter}`, namespace, key: snapshotKey, by: 'root file system' }, ...references];
  }

  #ofSandbox(namespace: string, key: string): Reference[] {
    const row = this.#db.row<[string]>('SELECT labels FROM sandboxes WHERE ns = ? AND id = ?', namespace, key);
    return row === undefined ? [] : labelReferences(readLabels(row[0]), namespace, this.#others);
  }

  #ofSnapshot(namespace: string, snapshotter: string, key: string, flat: boolean): Reference[] {
    const row = this.#db.row<[string, string, number, string | null]>(
      'SELECT parent, labels, gc, committing FROM snapshots WHERE ns = ? AND snapshotter = ? AND name = ?',
      ...[namespace, snapshotter, key],
    );
    if (row === undefined) return [];
    const [parent, labels, gc, committing] = row;
    const parents = [parent, committing === null ? '' : (JSON.parse(committing) as PendingCommit).parent];
    const above = parents
      .filter((name) => name !== '')
      .map((name): Reference => ({ kind: `snapshot/${snapshotter}`, namespace, key: name, flat, by: 'parent' }));
    return flat || (gc & gcFlag.reference) === 0
      ? above
      : [...above, ...labelReferences(readLabels(labels), namespace, this.#others)];
  }

  /** All rows in order of their key, read in pages: rows that come and go meanwhile may or may not be among them. */
  *#pages<T extends readonly unknown[]>(table: string, key: string, columns: string, where = '1'): Generator<T> {
    const parts = key.split(', ');
    const marks = parts.map(() => '?').join(', ');
    let after: readonly string[] = parts.map((_, i) => (i === 0 ? this.#namespace : ''));
    const bound = this.#namespace === '' ? [] : [this.#namespace];
    const within = bound.length === 0 ? where : `${where} AND ns = ?`;
    for (;;) {
      const page = this.#db.rows<T>(
        `SELECT ${columns} FROM ${table} WHERE ${within} AND (${key}) > (${marks}) ORDER BY ${key} LIMIT ${pageRows}`,
        ...bound,
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

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
