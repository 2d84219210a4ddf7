import { now, type Timestamp } from '#base/timestamp';
import type { WriterOptions } from '#core/content/content';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';
import type { Change, MetaDatabase } from './database.ts';
import { readTime } from './rows.ts';
import { doom, dropFromLeases, nextSequence } from './space.ts';

/** After so long an ingest that no lease holds and nobody writes is garbage. */
const unleasedSeconds = 24 * 60 * 60;

/** An ingest as the metadata know it. */
export interface IngestRow {
  readonly ref: string;
  readonly backendRef: string;
  readonly expected: Digest | undefined;
  readonly total: number;
  readonly startedAt: Timestamp;
}

type Row = [ref: string, backendRef: string, expected: string | null, total: number, ss: number, sn: number];
const columns = 'ref, backend_ref, expected, total, started_s, started_n';

export function findIngest(db: MetaDatabase, namespace: string, ref: string): IngestRow | undefined {
  const row = db.row<Row>(`SELECT ${columns} FROM ingests WHERE ns = ? AND ref = ?`, namespace, ref);
  return row === undefined ? undefined : fromRow(row);
}

export function listIngests(db: MetaDatabase, namespace: string): readonly IngestRow[] {
  return db.rows<Row>(`SELECT ${columns} FROM ingests WHERE ns = ? ORDER BY ref`, namespace).map(fromRow);
}

/**
 * The ingest that a writer is about to hold: the one that is there, or a new one (`isNew`). One that is begun in a lease lives as long
 * as that; otherwise its time begins anew. Inside a transaction.
 */
export function openIngest(
  db: MetaDatabase,
  change: Change,
  { namespace, lease = '' }: Pick<Scope, 'namespace' | 'lease'>,
  ref: string,
  { total = 0, expected }: WriterOptions,
): { readonly row: IngestRow; readonly isNew: boolean } {
  const at = now();
  const found = findIngest(db, namespace, ref);
  const row: IngestRow = {
    ref,
    backendRef: found?.backendRef ?? `${namespace}/${nextSequence(db)}/${ref}`,
    expected: expected ?? found?.expected,
    total: total > 0 ? total : (found?.total ?? 0),
    startedAt: found?.startedAt ?? at,
  };
  const known = db.row<[number]>('SELECT expires FROM ingests WHERE ns = ? AND ref = ?', namespace, ref)?.[0] ?? 0;
  const expires = lease === '' ? at.seconds + unleasedSeconds : known;
  db.run(
    `INSERT OR REPLACE INTO ingests (ns, expires, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[namespace, expires, ref, row.backendRef, row.expected ?? null, row.total],
    ...[row.startedAt.seconds, row.startedAt.nanos],
  );
  change.touch({ kind: 'ingest', namespace, key: ref });
  return { row, isNew: found === undefined };
}

/** Forgets an ingest that has become a blob, or left nothing in the backend. Inside a transaction. */
export function forgetIngest(db: MetaDatabase, namespace: string, ref: string): void {
  db.run('DELETE FROM ingests WHERE ns = ? AND ref = ?', namespace, ref);
  dropFromLeases(db, namespace, { type: 'ingests', id: ref });
}

/** Forgets an ingest that nobody wants: its bytes, and the blob that only it protected, are left to the reaper. Inside a transaction. */
export function abandonIngest(db: MetaDatabase, namespace: string, { ref, backendRef, expected }: IngestRow): void {
  forgetIngest(db, namespace, ref);
  doom(db, 'ingest', backendRef);
  if (expected !== undefined) doom(db, 'content', expected);
}

function fromRow([ref, backendRef, expected, total, ss, sn]: Row): IngestRow {
  return {
    ref,
    backendRef,
    expected: (expected ?? undefined) as Digest | undefined,
    total,
    startedAt: readTime(ss, sn),
  };
}
