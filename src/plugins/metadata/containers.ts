import type { SQLQueryBindings } from 'bun:sqlite';
import { setImmediate } from 'node:timers/promises';
import { alreadyExists, invalidArgument, notFound } from '#base/errors';
import { now } from '#base/timestamp';
import { containerFields, createdContainer, updatedContainer } from '#core/containers/container-change';
import type { Container, ContainerStore, NewContainer } from '#core/containers/containers';
import { letsGo } from '#core/gc/references';
import type { Scope } from '#core/scope';
import { parseFilters } from '#lib/filters/filter';
import { containerCreated, containerDeleted, containerUpdated } from './announcements.ts';
import type { Change, MetaDatabase } from './database.ts';
import { readExtensions, readLabels, readTime, writeExtensions, writeLabels } from './rows.ts';
import { enterNamespace, requireScopeLease } from './space.ts';

const columns = [
  ...['id', 'image', 'snapshotter', 'snapshot_key', 'sandbox_id', 'labels'],
  ...['created_s', 'created_n', 'updated_s', 'updated_n'],
  ...['runtime', 'options_url', 'options', 'spec_url', 'spec', 'extensions'],
];
type Row = [
  ...[id: string, image: string, snapshotter: string, snapshotKey: string, sandboxId: string, labels: string],
  ...[cs: number, cn: number, us: number, un: number],
  ...[runtime: string, optionsUrl: string | null, options: Uint8Array | null],
  ...[specUrl: string, spec: Uint8Array, extensions: string],
];
const selected = columns.join(', ');
const pageRows = 200;

/** Containers in SQLite. */
export class SqliteContainers implements ContainerStore {
  readonly #db: MetaDatabase;

  constructor(db: MetaDatabase) {
    this.#db = db;
  }

  async get(scope: Scope, id: string): Promise<Container> {
    return this.#get(scope, id);
  }

  async list(scope: Scope, filters: readonly string[] = []): Promise<readonly Container[]> {
    return (await Array.fromAsync(this.pages(scope, filters))).flat();
  }

  /** In pages, so that ten thousand specifications neither hold the event loop in one go nor are all in memory. */
  async *pages(scope: Scope, filters: readonly string[] = []): AsyncGenerator<readonly Container[]> {
    const filter = parseFilters(filters);
    for (let after = ''; ; await setImmediate()) {
      const page = this.#db.rows<Row>(
        `SELECT ${selected} FROM containers WHERE ns = ? AND id > ? ORDER BY id LIMIT ${pageRows}`,
        scope.namespace,
        after,
      );
      yield page.map(fromRow).filter((container) => filter.match(containerFields(container)));
      const last = page.at(-1);
      if (last === undefined || page.length < pageRows) return;
      after = last[0];
    }
  }

  create(scope: Scope, given: NewContainer): Promise<Container> {
    return this.#db.write((change) => {
      const container = createdContainer(given, now());
      if (this.#db.has('SELECT 1 FROM containers WHERE ns = ? AND id = ?', scope.namespace, container.id)) {
        throw alreadyExists(`container ${JSON.stringify(container.id)}`);
      }
      requireScopeLease(this.#db, scope);
      enterNamespace(this.#db, scope.namespace);
      const row = toRow(container);
      const marks = ['?', ...columns.map(() => '?')].join(', ');
      this.#db.run(`INSERT INTO containers (ns, ${selected}) VALUES (${marks})`, scope.namespace, ...row);
      this.#touch(change, scope, container);
      containerCreated(change, scope.namespace, container);
      return container;
    });
  }

  update(scope: Scope, given: NewContainer, fields: readonly string[] = []): Promise<Container> {
    return this.#db.write((change) => {
      if (given.id === '') throw invalidArgument('Container.ID required');
      const before = this.#get(scope, given.id);
      const container = updatedContainer(before, given, fields, now());
      const assignments = columns.map((column) => `${column} = ?`).join(', ');
      const row = toRow(container);
      this.#db.run(`UPDATE containers SET ${assignments} WHERE ns = ? AND id = ?`, ...row, scope.namespace, given.id);
      this.#touch(change, scope, container);
      const moved = before.snapshotKey !== container.snapshotKey || before.snapshotter !== container.snapshotter;
      if (moved || letsGo(before.labels, container.labels)) change.deletion();
      containerUpdated(change, scope.namespace, container);
      return container;
    });
  }

  delete(scope: Scope, id: string): Promise<void> {
    return this.#db.write((change) => {
      if (this.#db.run('DELETE FROM containers WHERE ns = ? AND id = ?', scope.namespace, id) === 0) {
        throw missing(scope, id);
      }
      change.deletion();
      containerDeleted(change, scope.namespace, id);
    });
  }

  #get(scope: Scope, id: string): Container {
    const row = this.#db.row<Row>(`SELECT ${selected} FROM containers WHERE ns = ? AND id = ?`, scope.namespace, id);
    if (row === undefined) throw missing(scope, id);
    return fromRow(row);
  }

  #touch(change: Change, scope: Scope, { id }: Container): void {
    change.touch({ kind: 'container', namespace: scope.namespace, key: id });
  }
}

const missing = (scope: Scope, id: string): Error =>
  notFound(`container ${JSON.stringify(id)} in namespace ${JSON.stringify(scope.namespace)}`);

function toRow(container: Container): SQLQueryBindings[] {
  const { id, image, snapshotter, snapshotKey, sandboxId, labels, createdAt, updatedAt, runtime, spec } = container;
  return [
    ...[id, image, snapshotter, snapshotKey, sandboxId, writeLabels(labels)],
    ...[createdAt.seconds, createdAt.nanos, updatedAt.seconds, updatedAt.nanos],
    ...[runtime.name, runtime.options?.typeUrl ?? null, runtime.options?.value ?? null],
    ...[spec.typeUrl, spec.value, writeExtensions(container.extensions)],
  ];
}

function fromRow(row: Row): Container {
  const [id, image, snapshotter, snapshotKey, sandboxId, labels, cs, cn, us, un] = row;
  const [runtime, optionsUrl, options, specUrl, spec, extensions] = row.slice(10) as Tail;
  return {
    id,
    labels: readLabels(labels),
    image,
    runtime: {
      name: runtime,
      ...(optionsUrl !== null && { options: { typeUrl: optionsUrl, value: options ?? new Uint8Array() } }),
    },
    spec: { typeUrl: specUrl, value: spec },
    snapshotter,
    snapshotKey,
    extensions: readExtensions(extensions),
    sandboxId,
    createdAt: readTime(cs, cn),
    updatedAt: readTime(us, un),
  };
}
type Tail = [string, string | null, Uint8Array | null, string, Uint8Array, string];
