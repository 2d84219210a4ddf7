import { alreadyExists, notFound } from '#base/errors';
import { changedLabels, storedLabels } from '#core/labels';
import type { Namespace, NamespaceStore } from '#core/namespaces/namespaces';
import { namespaceNotEmpty } from '#core/namespaces/not-empty';
import { checkIdentifier } from '#lib/identifier';
import { namespaceCreated, namespaceDeleted, namespaceUpdated } from './announcements.ts';
import type { MetaDatabase } from './database.ts';
import { abandonIngest, listIngests } from './ingest-rows.ts';
import { readLabels, writeLabels } from './rows.ts';
import { enterNamespace } from './space.ts';

/** Namespaces in SQLite. */
export class SqliteNamespaces implements NamespaceStore {
  readonly #db: MetaDatabase;

  constructor(db: MetaDatabase) {
    this.#db = db;
  }

  async get(name: string): Promise<Namespace> {
    checkIdentifier(name);
    return this.#find(name) ?? { name, labels: {} };
  }

  async list(): Promise<readonly Namespace[]> {
    return this.#db
      .rows<[string, string]>('SELECT name, labels FROM namespaces ORDER BY name')
      .map(([name, labels]) => ({ name, labels: readLabels(labels) }));
  }

  async create({ name, labels }: Namespace): Promise<Namespace> {
    checkIdentifier(name);
    const made = { name, labels: storedLabels(labels) };
    return this.#db.write((change) => {
      if (this.#find(name) !== undefined) throw alreadyExists(`namespace ${JSON.stringify(name)}`);
      this.#db.run('INSERT INTO namespaces (name, labels) VALUES (?, ?)', name, writeLabels(made.labels));
      namespaceCreated(change, made);
      return made;
    });
  }

  update(given: Namespace, fields: readonly string[] = []): Promise<Namespace> {
    return this.#db.write((change) => {
      checkIdentifier(given.name);
      const current = this.#find(given.name)?.labels ?? {};
      const changed = { name: given.name, labels: changedLabels(current, given.labels, fields) };
      enterNamespace(this.#db, given.name);
      this.#db.run('UPDATE namespaces SET labels = ? WHERE name = ?', writeLabels(changed.labels), given.name);
      namespaceUpdated(change, given); // what was asked for, and not what came of it: a label that goes is told as an empty one
      return changed;
    });
  }

  delete(name: string): Promise<void> {
    return this.#db.write((change) => {
      if (this.#find(name) === undefined) throw missing(name);
      const left = this.#contents(name);
      if (left.length > 0) throw namespaceNotEmpty(name, left);
      for (const ingest of listIngests(this.#db, name)) abandonIngest(this.#db, name, ingest);
      for (const table of ['lease_resources', 'leases']) this.#db.run(`DELETE FROM ${table} WHERE ns = ?`, name);
      this.#db.run('DELETE FROM namespaces WHERE name = ?', name);
      change.deletion();
      namespaceDeleted(change, name);
    });
  }

  #find(name: string): Namespace | undefined {
    const row = this.#db.row<[string]>('SELECT labels FROM namespaces WHERE name = ?', name);
    return row === undefined ? undefined : { name, labels: readLabels(row[0]) };
  }

  /** What keeps a namespace from being deleted, in containerd's words. */
  #contents(name: string): string[] {
    const holds = (table: string) => this.#db.has(`SELECT 1 FROM ${table} WHERE ns = ? LIMIT 1`, name);
    const snapshotters = this.#db.rows<[string]>('SELECT DISTINCT snapshotter FROM snapshots WHERE ns = ?', name);
    return [
      ...(['images', 'blobs', 'containers', 'sandboxes'] as const).filter(holds),
      ...snapshotters.map(([snapshotter]) => `snapshots on ${JSON.stringify(snapshotter)} snapshotter`),
    ];
  }
}

const missing = (name: string): Error => notFound(`namespace ${JSON.stringify(name)}`);
