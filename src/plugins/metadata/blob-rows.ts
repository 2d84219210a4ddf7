import type { BlobInfo } from '#core/content/content';
import { gcFlags } from '#core/gc/references';
import type { Labels } from '#core/labels';
import type { Digest } from '#lib/digest';
import type { Change, MetaDatabase } from './database.ts';
import { readLabels, readTime, writeLabels } from './rows.ts';

type Row = [digest: string, size: number, labels: string, cs: number, cn: number, us: number, un: number];
const columns = 'digest, size, labels, created_s, created_n, updated_s, updated_n';
const pageRows = 500;

export function findBlob(db: MetaDatabase, namespace: string, digest: Digest): BlobInfo | undefined {
  const last = found.get(db);
  if (last?.version === db.version && last.blob.digest === digest && last.namespace === namespace) return last.blob;
  const row = db.row<Row>(`SELECT ${columns} FROM blobs WHERE ns = ? AND digest = ?`, namespace, digest);
  if (row === undefined) return undefined;
  const blob = fromRow(row);
  found.set(db, { version: db.version, namespace, blob });
  return blob;
}

/** What was found last: clients read a blob in thousands of small pieces, each of which asks whether there is one. */
const found = new WeakMap<
  MetaDatabase,
  { readonly version: number; readonly namespace: string; readonly blob: BlobInfo }
>();

/** The next blobs after `after` in order of digest, some hundreds. */
export function nextBlobs(db: MetaDatabase, namespace: string, after: string): readonly BlobInfo[] {
  const sql = `SELECT ${columns} FROM blobs WHERE ns = ? AND digest > ? ORDER BY digest LIMIT ${pageRows}`;
  return db.rows<Row>(sql, namespace, after).map(fromRow);
}

export function putBlob(db: MetaDatabase, change: Change, namespace: string, blob: BlobInfo): void {
  const { digest, size, labels, createdAt, updatedAt } = blob;
  db.run(
    `INSERT OR REPLACE INTO blobs (ns, gc, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[namespace, gcFlags(labels), digest, size, writeLabels(labels)],
    ...[createdAt.seconds, createdAt.nanos, updatedAt.seconds, updatedAt.nanos],
  );
  change.touch({ kind: 'content', namespace, key: digest });
}

/** The size of a blob that this namespace does not have but may have for its name alone. */
export function sharedSize(db: MetaDatabase, digest: Digest, policy: 'shared' | 'isolated'): number | undefined {
  const rows = db.rows<[number, string]>(
    'SELECT blobs.size, namespaces.labels FROM blobs JOIN namespaces ON namespaces.name = blobs.ns WHERE blobs.digest = ?',
    digest,
  );
  return rows.find(([, labels]) => policy === 'shared' || isShareable(readLabels(labels)))?.[0];
}

/** Whether any namespace has the blob, or is about to have it without sending its bytes. */
export function blobNeeded(db: MetaDatabase, digest: string): boolean {
  return (
    db.has('SELECT 1 FROM blobs WHERE digest = ? LIMIT 1', digest) ||
    db.has('SELECT 1 FROM ingests WHERE expected = ? LIMIT 1', digest)
  );
}

const isShareable = (labels: Labels): boolean => labels['containerd.io/namespace.shareable'] === 'true';

function fromRow([digest, size, labels, cs, cn, us, un]: Row): BlobInfo {
  return {
    digest: digest as Digest,
    size,
    createdAt: readTime(cs, cn),
    updatedAt: readTime(us, un),
    labels: readLabels(labels),
  };
}
