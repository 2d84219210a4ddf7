import { notFound } from '#base/errors';
import type { Scope } from '#core/scope';
import type { MetaDatabase } from './database.ts';

/** Makes the namespace if this is the first write into it. Inside a transaction. */
export function enterNamespace(db: MetaDatabase, namespace: string): void {
  if (db.has('SELECT 1 FROM namespaces WHERE name = ?', namespace)) return;
  db.run(`INSERT INTO namespaces (name, labels) VALUES (?, '{}')`, namespace);
}

/** Adds something to the scope's lease, if it has one. Inside a transaction. @throws not_found for the lease */
export function holdInLease(db: MetaDatabase, scope: Scope, type: string, id: string): void {
  requireScopeLease(db, scope);
  if (scope.lease === undefined || scope.lease === '') return;
  db.run(
    'INSERT OR IGNORE INTO lease_resources (ns, lease, type, id) VALUES (?, ?, ?, ?)',
    ...[scope.namespace, scope.lease, type, id],
  );
}

/** @throws not_found when the scope names a lease that is not there */
export function requireScopeLease(db: MetaDatabase, { namespace, lease }: Scope): void {
  if (lease !== undefined && lease !== '') requireLease(db, namespace, lease);
}

/** @throws not_found */
export function requireLease(db: MetaDatabase, namespace: string, lease: string): void {
  if (!hasLease(db, namespace, lease)) throw notFound(`lease ${JSON.stringify(lease)}`);
}

export function hasLease(db: MetaDatabase, namespace: string, lease: string): boolean {
  return db.has('SELECT 1 FROM leases WHERE ns = ? AND id = ?', namespace, lease);
}

/** Every lease that held the one holds the other: a key that became a name, an ingest that became a blob. */
export function moveInLeases(
  db: MetaDatabase,
  namespace: string,
  from: { readonly type: string; readonly id: string },
  to: { readonly type: string; readonly id: string },
): void {
  db.run(
    `INSERT OR IGNORE INTO lease_resources (ns, lease, type, id)
     SELECT ns, lease, ?, ? FROM lease_resources WHERE ns = ? AND type = ? AND id = ?`,
    to.type,
    to.id,
    namespace,
    from.type,
    from.id,
  );
  dropFromLeases(db, namespace, from);
}

export function dropFromLeases(
  db: MetaDatabase,
  namespace: string,
  { type, id }: { readonly type: string; readonly id: string },
): void {
  db.run('DELETE FROM lease_resources WHERE ns = ? AND type = ? AND id = ?', namespace, type, id);
}

/** The next number for a name in a backend. Inside a transaction. */
export function nextSequence(db: MetaDatabase): number {
  const [next] = db.row<[number]>(`UPDATE counters SET value = value + 1 WHERE name = 'sequence' RETURNING value`) ?? [
    0,
  ];
  return next;
}

/** Notes that a backend may have something to remove; the reaper looks whether it is needed after all. Inside a transaction. */
export function doom(db: MetaDatabase, store: DoomedStore, key: string): void {
  db.run('INSERT OR IGNORE INTO doomed (store, key) VALUES (?, ?)', store, key);
}

/** Whose backend: content and ingests are the content store's. */
export type DoomedStore = 'content' | 'ingest' | `snapshot/${string}`;
