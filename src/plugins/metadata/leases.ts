import { alreadyExists, notFound } from '#base/errors';
import { now } from '#base/timestamp';
import { expiry } from '#core/gc/references';
import { checkResource, createdLease, leaseFields } from '#core/leases/lease-rules';
import type { Lease, LeaseResource, LeaseStore } from '#core/leases/leases';
import type { Scope } from '#core/scope';
import { parseFilters } from '#lib/filters/filter';
import type { MetaDatabase } from './database.ts';
import { readLabels, readTime, writeLabels } from './rows.ts';
import { enterNamespace, requireLease } from './space.ts';

/** Leases in SQLite. */
export class SqliteLeases implements LeaseStore {
  readonly #db: MetaDatabase;

  constructor(db: MetaDatabase) {
    this.#db = db;
  }

  create(scope: Scope, given: Pick<Lease, 'id' | 'labels'>): Promise<Lease> {
    const { namespace } = scope;
    return this.#db.write((change) => {
      const lease = createdLease(given, now());
      if (this.#db.has('SELECT 1 FROM leases WHERE ns = ? AND id = ?', namespace, lease.id)) {
        throw alreadyExists(`lease ${JSON.stringify(lease.id)}`);
      }
      enterNamespace(this.#db, namespace);
      this.#db.run(
        'INSERT INTO leases (ns, id, labels, created_s, created_n) VALUES (?, ?, ?, ?, ?)',
        namespace,
        lease.id,
        writeLabels(lease.labels),
        lease.createdAt.seconds,
        lease.createdAt.nanos,
      );
      change.touch({ kind: 'lease', namespace, key: lease.id });
      change.expires(expiry(lease.labels));
      return lease;
    });
  }

  delete(scope: Scope, id: string): Promise<void> {
    return this.#db.write((change) => {
      if (this.#db.run('DELETE FROM leases WHERE ns = ? AND id = ?', scope.namespace, id) === 0) {
        throw notFound(`lease ${JSON.stringify(id)}`);
      }
      this.#db.run('DELETE FROM lease_resources WHERE ns = ? AND lease = ?', scope.namespace, id);
      change.deletion();
    });
  }

  async list(scope: Scope, filters: readonly string[] = []): Promise<readonly Lease[]> {
    const filter = parseFilters(filters);
    return this.#db
      .rows<[string, string, number, number]>(
        'SELECT id, labels, created_s, created_n FROM leases WHERE ns = ? ORDER BY id',
        scope.namespace,
      )
      .map(([id, labels, seconds, nanos]) => ({ id, createdAt: readTime(seconds, nanos), labels: readLabels(labels) }))
      .filter((lease) => filter.match(leaseFields(lease)));
  }

  async addResource(scope: Scope, id: string, resource: LeaseResource): Promise<void> {
    checkResource(resource);
    await this.#db.write((change) => {
      requireLease(this.#db, scope.namespace, id);
      this.#db.run(
        'INSERT OR IGNORE INTO lease_resources (ns, lease, type, id) VALUES (?, ?, ?, ?)',
        ...[scope.namespace, id, resource.type, resource.id],
      );
      change.touch({ kind: 'lease', namespace: scope.namespace, key: id });
    });
  }

  async deleteResource(scope: Scope, id: string, resource: LeaseResource): Promise<void> {
    checkResource(resource);
    await this.#db.write((change) => {
      requireLease(this.#db, scope.namespace, id);
      this.#db.run(
        'DELETE FROM lease_resources WHERE ns = ? AND lease = ? AND type = ? AND id = ?',
        ...[scope.namespace, id, resource.type, resource.id],
      );
      change.deletion();
    });
  }

  async listResources(scope: Scope, id: string): Promise<readonly LeaseResource[]> {
    requireLease(this.#db, scope.namespace, id);
    return this.#db
      .rows<[string, string]>(
        'SELECT type, id FROM lease_resources WHERE ns = ? AND lease = ? ORDER BY type, id',
        scope.namespace,
        id,
      )
      .map(([type, resource]) => ({ type, id: resource }));
  }
}
