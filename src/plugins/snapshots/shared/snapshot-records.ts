import { alreadyExists, dataLoss, failedPrecondition, invalidArgument, notFound, wrap } from '#base/errors';
import { failpoint, failpointNow } from '#base/failpoints';
import { formatTimestamp, now, parseTimestamp } from '#base/timestamp';
import { changedLabels, type Labels, storedLabels } from '#core/labels';
import { snapshotFields } from '#core/snapshots/snapshot-fields';
import type { SnapshotInfo, SnapshotKind, Usage } from '#core/snapshots/snapshotter';
import { parseFilters } from '#lib/filters/filter';
import { type RunSql, SmallDatabase } from '#sys/sqlite';

/** One snapshot as a backend keeps it: what clients see, and the number that names its directory. */
export interface SnapshotRecord {
  readonly id: number;
  readonly parentId?: number;
  readonly info: SnapshotInfo;
  /** Of a committed one, once it was measured. */
  readonly usage?: Usage;
}

/** How a backend makes the directory for a new snapshot, and takes it away again when the record could not be written. */
export interface Maker {
  /** `parents` are numbers, the nearest first. May be synchronous: then nothing happens between it and the record. */
  make(id: number, parents: readonly number[], labels: Labels): void | Promise<void>;
  undo(id: number): Promise<void>;
}

export interface NewSnapshot {
  readonly kind: Exclude<SnapshotKind, 'committed'>;
  readonly key: string;
  readonly parent: string;
  readonly labels?: Labels | undefined;
}

export interface CommitOptions {
  readonly labels?: Labels | undefined;
  readonly parent?: string | undefined;
  readonly usage?: Usage;
}

const refLabel = 'containerd.io/snapshot.ref';

/**
 * The rules every snapshotter shares, over a table in memory with a journal on disk (`metadata.db`).
 *
 * A directory exists before its record does, and goes after it; so a directory without a record is a leftover, of a crash or
 * of a removal, and anybody may delete it. A promise of a change settles when the change would survive a power cut.
 */
export class SnapshotRecords implements AsyncDisposable {
  readonly #db: SmallDatabase;
  readonly #byName = new Map<string, SnapshotRecord>();
  readonly #byId = new Map<number, SnapshotRecord>();
  readonly #children = new Map<number, number>();
  /** Keys of snapshots whose directories are being made, and what is being committed. */
  readonly #reserved = new Set<string>();
  readonly #making = new Set<number>();
  #lastId: number;

  private constructor(db: SmallDatabase, lastId: number) {
    this.#db = db;
    this.#lastId = lastId;
    const rows = db.rows<Row>('SELECT * FROM snapshots');
    const names = new Map(rows.map(({ id, name }) => [id, name]));
    for (const row of rows) this.#put(recordOf(row, names));
  }

  /** `firstFreeId`: no smaller number is given out, because a leftover may have it. @throws data_loss for rows that make no sense */
  static async open(path: string, firstFreeId: number): Promise<SnapshotRecords> {
    const db = await SmallDatabase.open(path, schema);
    try {
      const [used] = db.rows<{ seq: number }>(`SELECT seq FROM sqlite_sequence WHERE name = 'snapshots'`);
      return new SnapshotRecords(db, Math.max(firstFreeId - 1, used?.seq ?? 0));
    } catch (thrown) {
      await db[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#db[Symbol.asyncDispose]();
  }

  /** @throws not_found */
  get(key: string): SnapshotRecord {
    const record = this.#byName.get(key);
    if (record === undefined) throw notFound(`snapshot ${key} does not exist`);
    return record;
  }

  /** An active one or a view. @throws not_found; failed_precondition for a committed one */
  getMountable(key: string): SnapshotRecord {
    const record = this.get(key);
    if (record.info.kind !== 'committed') return record;
    throw failedPrecondition(`failed to get active mount: requested snapshot ${key} not active or view`);
  }

  /** The numbers of all its parents, the nearest first. */
  chain(record: SnapshotRecord): number[] {
    const ids: number[] = [];
    for (let id = record.parentId; id !== undefined; id = this.#byId.get(id)?.parentId) ids.push(id);
    return ids;
  }

  /** True when a directory with this number belongs to a snapshot, or to one that is being made. */
  uses(id: number): boolean {
    return this.#byId.has(id) || this.#making.has(id);
  }

  all(): Iterable<SnapshotRecord> {
    return this.#byId.values();
  }

  /** Those that match, by name. @throws invalid_argument for a bad filter */
  matching(filters: readonly string[] = []): SnapshotRecord[] {
    const filter = parseFilters(filters);
    return [...this.#byName.values()]
      .filter(({ info }) => filter.match(snapshotFields(info)))
      .sort((a, b) => (a.info.name < b.info.name ? -1 : 1));
  }

  /** @throws already_exists, not_found and invalid_argument for the parent; what `make` throws, after `undo` */
  async create(wanted: NewSnapshot, maker: Maker): Promise<SnapshotRecord> {
    const { key, parent, kind } = wanted;
    const labels = storedLabels(wanted.labels ?? {});
    const above = this.#creatable(key, parent, labels);
    const id = ++this.#lastId;
    this.#reserve(key, id, above?.id);
    try {
      const parents = above === undefined ? [] : [above.id, ...this.chain(above)];
      const made = maker.make(id, parents, labels);
      if (made !== undefined) await made;
      failpointNow?.('snapshot.directory.made');
      const at = now();
      const info: SnapshotInfo = { name: key, parent, kind, labels, createdAt: at, updatedAt: at };
      const record: SnapshotRecord = { id, info, ...(above !== undefined && { parentId: above.id }) };
      this.#db.apply((run) => insert(run, record));
      this.#put(record);
    } catch (thrown) {
      this.#release(key, id, above?.id);
      await maker.undo(id);
      throw wrap(thrown, 'failed to create snapshot');
    }
    this.#release(key, id, above?.id);
    await failpoint?.('snapshot.record.written');
    await this.#db.flush();
    return this.#byId.get(id) as SnapshotRecord;
  }

  /**
   * Checks that the commit may happen, runs `secure` (which puts the tree on disk), then makes it.
   * @throws not_found; failed_precondition; already_exists for the name; invalid_argument for a parent that is not committed
   */
  async commit(
    name: string,
    key: string,
    options: CommitOptions,
    secure: (record: SnapshotRecord) => Promise<void>,
  ): Promise<void> {
    checkName(name);
    const labels = storedLabels(options.labels ?? {});
    let reserved = false;
    try {
      const before = this.#committable(name, key, options.parent);
      reserved = true;
      this.#reserved.add(name);
      await secure(before);
      await failpoint?.('snapshot.commit.synced');
      this.#reserved.delete(name);
      reserved = false;
      // Somebody may have removed or changed it meanwhile.
      const record = this.#committable(name, key, options.parent);
      const above = options.parent === undefined || options.parent === '' ? undefined : this.get(options.parent);
      this.#applyCommit(record, name, labels, above, options.usage);
    } catch (thrown) {
      throw wrap(thrown, 'failed to commit snapshot');
    } finally {
      if (reserved) this.#reserved.delete(name);
    }
    await failpoint?.('snapshot.commit.written');
    await this.#db.flush();
  }

  /** The record is gone, its directory is now a leftover. @throws not_found; failed_precondition when it has children */
  async remove(key: string): Promise<SnapshotRecord> {
    const record = this.get(key);
    if ((this.#children.get(record.id) ?? 0) > 0) throw failedPrecondition('cannot remove snapshot with child');
    this.#db.apply((run) => run('DELETE FROM snapshots WHERE id = ?', record.id));
    this.#drop(record);
    await failpoint?.('snapshot.remove.written');
    await this.#db.flush();
    return record;
  }

  /** Changes labels. @throws not_found; invalid_argument */
  async update(name: string, labels: Labels, fields?: readonly string[]): Promise<SnapshotRecord> {
    const record = this.get(name);
    const changed = changedLabels(record.info.labels, labels, fields);
    const info = { ...record.info, labels: changed, updatedAt: now() };
    const next = { ...record, info };
    this.#db.apply((run) =>
      run(
        'UPDATE snapshots SET labels = ?, updated = ? WHERE id = ?',
        JSON.stringify(changed),
        formatTimestamp(info.updatedAt),
        record.id,
      ),
    );
    this.#set(next);
    await this.#db.flush();
    return next;
  }

  /** Remembers what a committed snapshot takes. Not waited for: it can be measured again. */
  remember(id: number, usage: Usage): void {
    const record = this.#byId.get(id);
    if (record === undefined || record.info.kind !== 'committed') return;
    this.#db.apply((run) =>
      run('UPDATE snapshots SET size = ?, inodes = ? WHERE id = ?', usage.size, usage.inodes, id),
    );
    this.#set({ ...record, usage });
  }

  #applyCommit(
    record: SnapshotRecord,
    name: string,
    labels: Labels,
    above: SnapshotRecord | undefined,
    usage: Usage | undefined,
  ): void {
    const at = now();
    const parent = above?.info.name ?? record.info.parent;
    const parentId = above?.id ?? record.parentId;
    const info: SnapshotInfo = { name, parent, kind: 'committed', labels, createdAt: at, updatedAt: at };
    const next: SnapshotRecord = {
      id: record.id,
      info,
      ...(parentId !== undefined && { parentId }),
      ...(usage !== undefined && { usage }),
    };
    this.#db.apply((run) => {
      run('DELETE FROM snapshots WHERE id = ?', record.id);
      insert(run, next);
    });
    this.#drop(record);
    this.#put(next);
  }

  #creatable(key: string, parent: string, labels: Labels): SnapshotRecord | undefined {
    checkName(key);
    try {
      if (this.#taken(key)) throw alreadyExists(`snapshot ${key}`);
      const ref = labels[refLabel];
      if (ref !== undefined && this.#byName.get(ref)?.info.kind === 'committed') {
        throw alreadyExists(`target snapshot ${JSON.stringify(ref)}`);
      }
      return parent === '' ? undefined : this.#committedParent(parent);
    } catch (thrown) {
      throw wrap(thrown, 'failed to create snapshot');
    }
  }

  #committable(name: string, key: string, parent: string | undefined): SnapshotRecord {
    const record = this.#byName.get(key);
    if (record === undefined) throw notFound(`failed to get active snapshot ${JSON.stringify(key)}`);
    if (record.info.kind !== 'active') throw failedPrecondition(`snapshot ${JSON.stringify(key)} is not active`);
    if (this.#taken(name)) throw alreadyExists(`committed snapshot ${name}`);
    if (parent === undefined || parent === '') return record;
    if (record.info.parent !== '') {
      throw failedPrecondition(`snapshot ${JSON.stringify(key)} already has the parent ${record.info.parent}`);
    }
    this.#committedParent(parent);
    return record;
  }

  #committedParent(name: string): SnapshotRecord {
    const record = this.#byName.get(name);
    if (record === undefined) throw notFound(`missing parent ${JSON.stringify(name)} bucket`);
    if (record.info.kind === 'committed') return record;
    throw invalidArgument(`parent ${JSON.stringify(name)} is not committed snapshot`);
  }

  #taken(name: string): boolean {
    return this.#byName.has(name) || this.#reserved.has(name);
  }

  #reserve(key: string, id: number, parentId: number | undefined): void {
    this.#reserved.add(key);
    this.#making.add(id);
    this.#countChild(parentId, 1);
  }

  #release(key: string, id: number, parentId: number | undefined): void {
    this.#reserved.delete(key);
    this.#making.delete(id);
    this.#countChild(parentId, -1);
  }

  #put(record: SnapshotRecord): void {
    this.#set(record);
    this.#countChild(record.parentId, 1);
  }

  #set(record: SnapshotRecord): void {
    this.#byId.set(record.id, record);
    this.#byName.set(record.info.name, record);
  }

  #drop(record: SnapshotRecord): void {
    this.#byId.delete(record.id);
    this.#byName.delete(record.info.name);
    this.#countChild(record.parentId, -1);
  }

  #countChild(id: number | undefined, by: number): void {
    if (id !== undefined) this.#children.set(id, (this.#children.get(id) ?? 0) + by);
  }
}

const schema = `CREATE TABLE IF NOT EXISTS snapshots (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  parent INTEGER REFERENCES snapshots (id),
  kind TEXT NOT NULL,
  labels TEXT NOT NULL,
  created TEXT NOT NULL,
  updated TEXT NOT NULL,
  size INTEGER,
  inodes INTEGER
)`;

interface Row {
  readonly id: number;
  readonly name: string;
  readonly parent: number | null;
  readonly kind: SnapshotKind;
  readonly labels: string;
  readonly created: string;
  readonly updated: string;
  readonly size: number | null;
  readonly inodes: number | null;
}

function insert(run: RunSql, { id, parentId, info, usage }: SnapshotRecord): void {
  run(
    'INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    id,
    info.name,
    parentId ?? null,
    info.kind,
    JSON.stringify(info.labels),
    formatTimestamp(info.createdAt),
    formatTimestamp(info.updatedAt),
    usage?.size ?? null,
    usage?.inodes ?? null,
  );
}

function recordOf(row: Row, names: ReadonlyMap<number, string>): SnapshotRecord {
  const zero = { seconds: 0, nanos: 0 };
  const parent = row.parent === null ? '' : names.get(row.parent);
  if (parent === undefined) throw dataLoss(`snapshot ${row.name} has a parent that does not exist`);
  return {
    id: row.id,
    ...(row.parent !== null && { parentId: row.parent }),
    info: {
      name: row.name,
      parent,
      kind: row.kind,
      labels: JSON.parse(row.labels) as Labels,
      createdAt: parseTimestamp(row.created) ?? zero,
      updatedAt: parseTimestamp(row.updated) ?? zero,
    },
    ...(row.size !== null && row.inodes !== null && { usage: { size: row.size, inodes: row.inodes } }),
  };
}

function checkName(name: string): void {
  if (name === '') throw invalidArgument('snapshot name is empty');
}
