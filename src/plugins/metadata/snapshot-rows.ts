import type { Timestamp } from '#base/timestamp';
import { gcFlags } from '#core/gc/references';
import type { Labels } from '#core/labels';
import type { SnapshotKind } from '#core/snapshots/snapshotter';
import type { Change, MetaDatabase } from './database.ts';
import { readLabels, readTime, writeLabels } from './rows.ts';

/** Which namespace's view of which snapshotter. */
export interface SnapshotSpace {
  readonly namespace: string;
  readonly snapshotter: string;
}

export interface SnapshotRow {
  readonly name: string;
  readonly backendKey: string;
  /** A name in the same space, or ''. */
  readonly parent: string;
  readonly kind: SnapshotKind;
  readonly labels: Labels;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
  /** The commit that the backend was asked for and that is not yet known to be done. */
  readonly committing: PendingCommit | undefined;
}

export interface PendingCommit {
  readonly name: string;
  readonly backendKey: string;
  readonly labels: Labels;
  readonly parent: string;
}

type Row = [
  ...[name: string, backendKey: string, parent: string, kind: string, labels: string],
  ...[cs: number, cn: number, us: number, un: number, committing: string | null],
];
const columns = 'name, backend_key, parent, kind, labels, created_s, created_n, updated_s, updated_n, committing';
const pageRows = 500;

export function findSnapshot(db: MetaDatabase, space: SnapshotSpace, name: string): SnapshotRow | undefined {
  const row = db.row<Row>(
    `SELECT ${columns} FROM snapshots WHERE ns = ? AND snapshotter = ? AND name = ?`,
    ...[space.namespace, space.snapshotter, name],
  );
  return row === undefined ? undefined : fromRow(row);
}

/** The next snapshots after `after` in order of name, some hundreds. */
export function nextSnapshots(db: MetaDatabase, space: SnapshotSpace, after: string): readonly SnapshotRow[] {
  return db
    .rows<Row>(
      `SELECT ${columns} FROM snapshots WHERE ns = ? AND snapshotter = ? AND name > ? ORDER BY name LIMIT ${pageRows}`,
      ...[space.namespace, space.snapshotter, after],
    )
    .map(fromRow);
}

/** Writes the row and has a collection look at it. Inside a transaction. */
export function putSnapshot(db: MetaDatabase, change: Change, space: SnapshotSpace, row: SnapshotRow): void {
  const { name, backendKey, parent, kind, labels, createdAt, updatedAt, committing } = row;
  db.run(
    `INSERT OR REPLACE INTO snapshots (ns, snapshotter, gc, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[space.namespace, space.snapshotter, gcFlags(labels), name, backendKey, parent, kind, writeLabels(labels)],
    ...[createdAt.seconds, createdAt.nanos, updatedAt.seconds, updatedAt.nanos],
    committing === undefined ? null : JSON.stringify(committing),
  );
  change.touch({ kind: `snapshot/${space.snapshotter}`, namespace: space.namespace, key: name });
}

export function deleteSnapshot(db: MetaDatabase, space: SnapshotSpace, name: string): void {
  db.run(
    'DELETE FROM snapshots WHERE ns = ? AND snapshotter = ? AND name = ?',
    ...[space.namespace, space.snapshotter, name],
  );
}

export function hasChildren(db: MetaDatabase, space: SnapshotSpace, name: string): boolean {
  return db.has(
    'SELECT 1 FROM snapshots WHERE ns = ? AND snapshotter = ? AND parent = ? LIMIT 1',
    ...[space.namespace, space.snapshotter, name],
  );
}

/** Snapshots whose commit was cut short, by a crash or a backend that did not answer. */
export function pendingCommits(db: MetaDatabase, snapshotter: string): readonly { namespace: string; name: string }[] {
  return db
    .rows<[string, string]>(
      'SELECT ns, name FROM snapshots WHERE snapshotter = ? AND committing IS NOT NULL',
      snapshotter,
    )
    .map(([namespace, name]) => ({ namespace, name }));
}

/** Whether any namespace has a row for this backend key, or a commit under way that makes it. */
export function snapshotNeeded(db: MetaDatabase, snapshotter: string, backendKey: string): boolean {
  if (db.has('SELECT 1 FROM snapshots WHERE snapshotter = ? AND backend_key = ? LIMIT 1', snapshotter, backendKey)) {
    return true;
  }
  const pending = db.rows<[string]>(
    'SELECT committing FROM snapshots WHERE snapshotter = ? AND committing IS NOT NULL',
    snapshotter,
  );
  return pending.some(([committing]) => (JSON.parse(committing) as PendingCommit).backendKey === backendKey);
}

function fromRow([name, backendKey, parent, kind, labels, cs, cn, us, un, committing]: Row): SnapshotRow {
  return {
    name,
    backendKey,
    parent,
    kind: kind as SnapshotKind,
    labels: readLabels(labels),
    createdAt: readTime(cs, cn),
    updatedAt: readTime(us, un),
    committing: committing === null ? undefined : (JSON.parse(committing) as PendingCommit),
  };
}
