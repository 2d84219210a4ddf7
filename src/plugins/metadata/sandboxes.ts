import type { SQLQueryBindings } from 'bun:sqlite';
import { alreadyExists, notFound } from '#base/errors';
import { now } from '#base/timestamp';
import { letsGo } from '#core/gc/references';
import { createdSandbox, sandboxFields, updatedSandbox } from '#core/sandboxes/sandbox-change';
import type { NewSandbox, Sandbox, SandboxStore } from '#core/sandboxes/sandboxes';
import type { Scope } from '#core/scope';
import { parseFilters } from '#lib/filters/filter';
import type { Change, MetaDatabase } from './database.ts';
import { readExtensions, readLabels, readTime, writeExtensions, writeLabels } from './rows.ts';
import { enterNamespace, requireScopeLease } from './space.ts';

const columns = [
  ...['id', 'sandboxer', 'labels', 'created_s', 'created_n', 'updated_s', 'updated_n'],
  ...['runtime', 'options_url', 'options', 'spec_url', 'spec', 'extensions'],
];
type Row = [
  ...[id: string, sandboxer: string, labels: string, cs: number, cn: number, us: number, un: number],
  ...[runtime: string, optionsUrl: string | null, options: Uint8Array | null],
  ...[specUrl: string | null, spec: Uint8Array | null, extensions: string],
];
const selected = columns.join(', ');

/** Records of sandboxes in SQLite. A sandbox keeps from collection what its labels refer to. */
export class SqliteSandboxes implements SandboxStore {
  readonly #db: MetaDatabase;

  constructor(db: MetaDatabase) {
    this.#db = db;
  }

  async get(scope: Scope, id: string): Promise<Sandbox> {
    return this.#get(scope, id);
  }

  async list(scope: Scope, filters: readonly string[] = []): Promise<readonly Sandbox[]> {
    const filter = parseFilters(filters);
    return this.#db
      .rows<Row>(`SELECT ${selected} FROM sandboxes WHERE ns = ? ORDER BY id`, scope.namespace)
      .map(fromRow)
      .filter((sandbox) => filter.match(sandboxFields(sandbox)));
  }

  create(scope: Scope, given: NewSandbox): Promise<Sandbox> {
    return this.#db.write((change) => {
      const sandbox = createdSandbox(given, now());
      if (this.#db.has('SELECT 1 FROM sandboxes WHERE ns = ? AND id = ?', scope.namespace, sandbox.id)) {
        throw alreadyExists(`sandbox ${JSON.stringify(sandbox.id)}`);
      }
      requireScopeLease(this.#db, scope);
      enterNamespace(this.#db, scope.namespace);
      const marks = ['?', ...columns.map(() => '?')].join(', ');
      this.#db.run(`INSERT INTO sandboxes (ns, ${selected}) VALUES (${marks})`, scope.namespace, ...toRow(sandbox));
      touch(change, scope, sandbox);
      return sandbox;
    });
  }

  update(scope: Scope, given: NewSandbox, fields: readonly string[] = []): Promise<Sandbox> {
    return this.#db.write((change) => {
      const before = this.#get(scope, given.id);
      const sandbox = updatedSandbox(before, given, fields, now());
      const assignments = columns.map((column) => `${column} = ?`).join(', ');
      this.#db.run(
        `UPDATE sandboxes SET ${assignments} WHERE ns = ? AND id = ?`,
        ...[...toRow(sandbox), scope.namespace, given.id],
      );
      touch(change, scope, sandbox);
      if (letsGo(before.labels, sandbox.labels)) change.deletion();
      return sandbox;
    });
  }

  delete(scope: Scope, id: string): Promise<void> {
    return this.#db.write((change) => {
      if (this.#db.run('DELETE FROM sandboxes WHERE ns = ? AND id = ?', scope.namespace, id) === 0) throw missing(id);
      change.deletion();
    });
  }

  #get(scope: Scope, id: string): Sandbox {
    const row = this.#db.row<Row>(`SELECT ${selected} FROM sandboxes WHERE ns = ? AND id = ?`, scope.namespace, id);
    if (row === undefined) throw missing(id);
    return fromRow(row);
  }
}

const missing = (id: string): Error => notFound(`sandbox ${JSON.stringify(id)}`);

function touch(change: Change, scope: Scope, { id }: Sandbox): void {
  change.touch({ kind: 'sandbox', namespace: scope.namespace, key: id });
}

function toRow({ id, sandboxer, labels, createdAt, updatedAt, ...payloads }: Sandbox): SQLQueryBindings[] {
  const { runtime, spec, extensions } = payloads;
  return [
    ...[id, sandboxer, writeLabels(labels)],
    ...[createdAt.seconds, createdAt.nanos, updatedAt.seconds, updatedAt.nanos],
    ...[runtime.name, runtime.options?.typeUrl ?? null, runtime.options?.value ?? null],
    ...[spec?.typeUrl ?? null, spec?.value ?? null, writeExtensions(extensions)],
  ];
}

function fromRow(row: Row): Sandbox {
  const [id, sandboxer, labels, cs, cn, us, un, runtime, optionsUrl, options, specUrl, spec, extensions] = row;
  const some = (typeUrl: string, value: Uint8Array | null) => ({ typeUrl, value: value ?? new Uint8Array() });
  return {
    id,
    labels: readLabels(labels),
    runtime: { name: runtime, ...(optionsUrl !== null && { options: some(optionsUrl, options) }) },
    ...(specUrl !== null && { spec: some(specUrl, spec) }),
    sandboxer,
    extensions: readExtensions(extensions),
    createdAt: readTime(cs, cn),
    updatedAt: readTime(us, un),
  };
}
