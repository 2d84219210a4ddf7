import type { Database } from 'bun:sqlite';
import { now } from '#base/timestamp';
import type { Report } from '#core/check/findings';
import type { CheckedMetadata, KnownBlob, KnownSnapshot } from '#core/check/store-check';
import type { SnapshotKind } from '#core/snapshots/snapshotter';
import type { PendingCommit } from '../snapshot-rows.ts';

interface SnapshotCells {
  readonly ns: string;
  readonly snapshotter: string;
  readonly name: string;
  readonly backend_key: string;
  readonly parent: string;
  readonly kind: string;
  readonly committing: string | null;
}

/** The tables as backends are compared with them. Read anew after each change. */
export class CheckedRows implements CheckedMetadata {
  readonly #db: Database;
  readonly #report: Report;
  #snapshots: readonly SnapshotCells[] | undefined;
  #byPlace: ReadonlyMap<string, SnapshotCells> | undefined;

  constructor(db: Database, report: Report) {
    this.#db = db;
    this.#report = report;
  }

  get blobs(): ReadonlyMap<string, KnownBlob> {
    const found = new Map<string, { size: number; namespaces: string[] }>();
    const rows = this.#all<{ ns: string; digest: string; size: number }>(
      'SELECT ns, digest, size FROM blobs ORDER BY digest, ns',
    );
    for (const { ns, digest, size } of rows) {
      const known = found.get(digest);
      if (known === undefined) {
        found.set(digest, { size, namespaces: [ns] });
        continue;
      }
      known.namespaces.push(ns);
      if (known.size !== size) known.size = -1;
    }
    return found;
  }

  get expected(): ReadonlySet<string> {
    const rows = this.#all<{ expected: string }>('SELECT expected FROM ingests WHERE expected IS NOT NULL');
    return new Set(rows.map(({ expected }) => expected));
  }

  get ingests(): ReadonlySet<string> {
    return new Set(this.#all<{ backend_ref: string }>('SELECT backend_ref FROM ingests').map((row) => row.backend_ref));
  }

  get runnable(): ReadonlySet<string> {
    const rows = this.#all<{ ns: string; id: string }>(
      'SELECT ns, id FROM containers UNION SELECT ns, id FROM sandboxes',
    );
    return new Set(rows.map(({ ns, id }) => `${ns}/${id}`));
  }

  snapshots(snapshotter: string): readonly KnownSnapshot[] {
    const rows = this.#cells().filter((row) => row.snapshotter === snapshotter);
    const keys = new Map(rows.map((row) => [`${row.ns}\n${row.name}`, row.backend_key]));
    return rows.map((row) => ({
      ...{ namespace: row.ns, name: row.name, key: row.backend_key, kind: row.kind },
      parentName: row.parent,
      parent: row.parent === '' ? '' : (keys.get(`${row.ns}\n${row.parent}`) ?? ''),
      ...(row.committing !== null && { laterKey: pendingKey(row.committing) }),
    }));
  }

  usersOfBlob(digest: string): readonly string[] {
    // A label names what it refers to by its value, so that the digest stands in quotes.
    const images = this.#all<{ ns: string; name: string }>(
      `SELECT DISTINCT images.ns, images.name FROM images LEFT JOIN blobs ON blobs.ns = images.ns AND blobs.digest = images.digest
       WHERE images.digest = ?1 OR blobs.labels LIKE '%"' || ?1 || '"%'`,
      digest,
    );
    return images.map(({ ns, name }) => `image ${name} (${ns})`);
  }

  usersOfSnapshot(snapshotter: string, backendKey: string): readonly string[] {
    const gone = this.#subtree(snapshotter, backendKey);
    const above = gone.slice(1).map(({ ns, name }) => `snapshot ${name} (${ns})`);
    const containers = gone.flatMap(({ ns, name }) =>
      this.#all<{ id: string }>(
        'SELECT id FROM containers WHERE ns = ? AND snapshotter = ? AND snapshot_key = ?',
        ...[ns, snapshotter, name],
      ).map(({ id }) => `the root file system of container ${id} (${ns})`),
    );
    return [...above, ...containers];
  }

  dropBlob(digest: string): void {
    this.#run('DELETE FROM blobs WHERE digest = ?', digest);
    this.#run(`DELETE FROM lease_resources WHERE type = 'content' AND id = ?`, digest);
  }

  correctBlob(digest: string, size: number): void {
    this.#db.query('UPDATE blobs SET size = ? WHERE digest = ?').run(size, digest);
  }

  dropSnapshot(snapshotter: string, backendKey: string): void {
    for (const { ns, name } of this.#subtree(snapshotter, backendKey)) {
      this.#run('DELETE FROM snapshots WHERE ns = ? AND snapshotter = ? AND name = ?', ns, snapshotter, name);
      this.#run(
        'DELETE FROM lease_resources WHERE ns = ? AND type = ? AND id = ?',
        ns,
        `snapshots/${snapshotter}`,
        name,
      );
    }
  }

  correctSnapshot(
    snapshotter: string,
    row: KnownSnapshot,
    seen: { readonly kind: SnapshotKind; readonly parent: string },
  ): void {
    const above = this.#cells().find(
      ({ ns, snapshotter: of, backend_key }) =>
        ns === row.namespace && of === snapshotter && backend_key === seen.parent,
    );
    if (seen.parent !== '' && above === undefined)
      throw new Error(`the namespace does not have its parent ${seen.parent}`);
    this.#run(
      'UPDATE snapshots SET kind = ?, parent = ? WHERE ns = ? AND snapshotter = ? AND name = ?',
      ...[seen.kind, above?.name ?? '', row.namespace, snapshotter, row.name],
    );
  }

  adoptSnapshot(snapshotter: string, row: Pick<KnownSnapshot, 'namespace' | 'name' | 'key' | 'parentName'>): void {
    const { seconds, nanos } = now();
    this.#changed();
    this.#db
      .query(
        `INSERT INTO snapshots (ns, snapshotter, name, backend_key, parent, kind, labels, gc, created_s, created_n, updated_s, updated_n, committing)
         VALUES (?, ?, ?, ?, ?, 'committed', '{}', 0, ?, ?, ?, ?, NULL)`,
      )
      .run(row.namespace, snapshotter, row.name, row.key, row.parentName, seconds, nanos, seconds, nanos);
  }

  /** Rows whose parent is not there, whatever a backend says. */
  async #checkParents(): Promise<void> {
    const told = new Set(
      this.#report.findings.filter(({ kind }) => kind === 'snapshot-parent-missing').map(({ subject }) => subject),
    );
    for (const row of this.#cells()) {
      // One repair may have taken away others.
      if (row.parent === '' || !this.#index().has(placeOf(row, row.name))) continue;
      const above = this.#parentOf(row);
      const fault =
        above === undefined
          ? `its parent ${row.parent} is not there`
          : above.kind !== 'committed'
            ? `its parent ${row.parent} is not committed`
            : this.#inCircle(row)
              ? 'its parents lead back to it'
              : undefined;
      const subject = `${row.snapshotter} ${row.name} (${row.ns})`;
      if (fault === undefined || told.has(subject)) continue;
      const users = this.usersOfSnapshot(row.snapshotter, row.backend_key);
      await this.#report.add('snapshot-parent-missing', subject, fault, {
        does: `forget it${users.length === 0 ? '' : `, with ${users.join(', ')}`}`,
        run: () => this.dropSnapshot(row.snapshotter, row.backend_key),
      });
    }
  }

  async finish(): Promise<void> {
    await this.#checkParents();
    const report = this.#report;
    const images = `SELECT ns, name, digest FROM images
      WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE blobs.ns = images.ns AND blobs.digest = images.digest)`;
    for (const { ns, name, digest } of this.#all<{ ns: string; name: string; digest: string }>(images))
      await report.add('image-incomplete', `image ${name} (${ns})`, `${digest} is not there`);
    const containers = `SELECT ns, id, snapshotter, snapshot_key FROM containers AS held WHERE snapshot_key <> ''
      AND NOT EXISTS (SELECT 1 FROM snapshots AS s WHERE s.ns = held.ns AND s.snapshotter = held.snapshotter AND s.name = held.snapshot_key)`;
    for (const row of this.#all<{ ns: string; id: string; snapshotter: string; snapshot_key: string }>(containers))
      await report.add(
        'container-incomplete',
        `container ${row.id} (${row.ns})`,
        `${row.snapshotter} ${row.snapshot_key} is not there`,
      );
    for (const { store, key } of this.#all<{ store: string; key: string }>('SELECT store, key FROM doomed'))
      await report.add('removal-pending', `${store} ${key}`, 'the next collection removes it');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What a repair has changed is in the file, and not only in the log.
    if (this.#report.repair) this.#db.run('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#db.close(true);
  }

  /** The rows with this backend key and all that lies on them, those first on which others lie. */
  #subtree(snapshotter: string, backendKey: string): SnapshotCells[] {
    const cells = this.#cells().filter((row) => row.snapshotter === snapshotter);
    const found = cells.filter((row) => row.backend_key === backendKey);
    for (let at = 0; at < found.length; at++) {
      const { ns, name } = found[at] as SnapshotCells;
      found.push(...cells.filter((row) => row.ns === ns && row.parent === name && !found.includes(row)));
    }
    return found;
  }

  #parentOf(row: SnapshotCells): SnapshotCells | undefined {
    return this.#index().get(placeOf(row, row.parent));
  }

  #index(): ReadonlyMap<string, SnapshotCells> {
    this.#byPlace ??= new Map(this.#cells().map((row) => [placeOf(row, row.name), row]));
    return this.#byPlace;
  }

  #changed(): void {
    this.#snapshots = undefined;
    this.#byPlace = undefined;
  }

  #inCircle(row: SnapshotCells): boolean {
    const met = new Set<SnapshotCells>([row]);
    for (let next = this.#parentOf(row); next !== undefined; next = this.#parentOf(next)) {
      if (met.has(next)) return true;
      met.add(next);
    }
    return false;
  }

  #cells(): readonly SnapshotCells[] {
    this.#snapshots ??= this.#all<SnapshotCells>(
      'SELECT ns, snapshotter, name, backend_key, parent, kind, committing FROM snapshots ORDER BY ns, snapshotter, name',
    );
    return this.#snapshots;
  }

  #all<T>(sql: string, ...values: string[]): T[] {
    return this.#db.query(sql).all(...values) as T[];
  }

  #run(sql: string, ...values: string[]): void {
    this.#changed();
    this.#db.query(sql).run(...values);
  }
}

const placeOf = ({ ns, snapshotter }: SnapshotCells, name: string): string => `${ns}\n${snapshotter}\n${name}`;

function pendingKey(committing: string): string {
  try {
    return (JSON.parse(committing) as PendingCommit).backendKey;
  } catch {
    return ''; // then the commit counts as not done
  }
}
