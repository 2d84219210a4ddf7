import { alreadyExists, classOf, failedPrecondition, invalidArgument, isFault, notFound } from '#base/errors';
import { failpoint } from '#base/failpoints';
import { now } from '#base/timestamp';
import { letsGo } from '#core/gc/references';
import { changedLabels, storedLabels } from '#core/labels';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import { snapshotFields } from '#core/snapshots/snapshot-fields';
import type { SnapshotInfo, SnapshotOptions, Snapshotter, Usage } from '#core/snapshots/snapshotter';
import { parseFilters } from '#lib/filters/filter';
import { snapshotPrepared, snapshotRemoved } from './announcements.ts';
import type { Change, MetaDatabase } from './database.ts';
import { inheritedLabels, refLabel, type SnapshotsOptions } from './snapshot-backend.ts';
import { type Commit, certain, commitSnapshot, resolveCommit } from './snapshot-commit.ts';
import {
  deleteSnapshot,
  findSnapshot,
  hasChildren,
  nextSnapshots,
  putSnapshot,
  type SnapshotRow,
  type SnapshotSpace,
} from './snapshot-rows.ts';
import { doom, dropFromLeases, enterNamespace, holdInLease, nextSequence, requireScopeLease } from './space.ts';

/**
 * One snapshotter as namespaces see it: rows in SQLite in front of the backend, whose keys are `<namespace>/<n>/<key>`.
 *
 * The backend is never called inside a transaction. A call that changes a key holds that key's lock and no other, so that a backend that
 * hangs holds up nobody else. What a crash leaves between backend and row is an object without row, which the reaper removes, or a row with
 * a pending commit, which is finished or undone when it is next met.
 */
export class NamespacedSnapshotter implements Snapshotter {
  readonly capabilities: ReadonlySet<'rebase'>;
  readonly #options: SnapshotsOptions;
  readonly #db: MetaDatabase;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#db = options.db;
    this.capabilities = options.backend.capabilities;
  }

  async stat(scope: Scope, key: string): Promise<SnapshotInfo> {
    const row = this.#get(scope, key);
    return merged(row, await this.#options.backend.stat(scope, row.backendKey));
  }

  async update(
    scope: Scope,
    info: Pick<SnapshotInfo, 'name' | 'labels'>,
    fields: readonly string[] = [],
  ): Promise<SnapshotInfo> {
    const { backend, locks } = this.#options;
    if (info.name === '') throw invalidArgument('snapshot name must not be empty');
    using _ = await locks.take([this.#lock(scope, info.name)], scope.signal);
    const { before, after } = await this.#db.write((change) => {
      const row = this.#get(scope, info.name);
      const changed = { ...row, labels: changedLabels(row.labels, info.labels, fields), updatedAt: now() };
      putSnapshot(this.#db, change, this.#space(scope), changed);
      if (letsGo(row.labels, changed.labels)) change.deletion();
      return { before: inheritedLabels(row.labels), after: changed };
    });
    const labels = inheritedLabels(after.labels);
    const keys = [...new Set([...Object.keys(before), ...Object.keys(labels)])].filter((k) => before[k] !== labels[k]);
    if (keys.length > 0) {
      await backend.update(
        scope,
        { name: after.backendKey, labels },
        keys.map((key) => `labels.${key}`),
      );
    }
    return merged(after, await backend.stat(scope, after.backendKey));
  }

  async usage(scope: Scope, key: string): Promise<Usage> {
    return await this.#options.backend.usage(scope, this.#get(scope, key).backendKey);
  }

  async mounts(scope: Scope, key: string): Promise<readonly Mount[]> {
    return await this.#options.backend.mounts(scope, this.#get(scope, key).backendKey);
  }

  prepare(scope: Scope, key: string, parent: string, options: SnapshotOptions = {}): Promise<readonly Mount[]> {
    return this.#make('active', scope, key, parent, options);
  }

  view(scope: Scope, key: string, parent: string, options: SnapshotOptions = {}): Promise<readonly Mount[]> {
    return this.#make('view', scope, key, parent, options);
  }

  async commit(
    scope: Scope,
    name: string,
    key: string,
    options: SnapshotOptions & { readonly parent?: string } = {},
  ): Promise<void> {
    if (name === '') throw invalidArgument('snapshot name must not be empty');
    const labels = storedLabels(options.labels ?? {});
    const commit: Commit = { scope, space: this.#space(scope), name, key, labels, parent: options.parent ?? '' };
    using _ = await this.#options.locks.take([this.#lock(scope, key), this.#lock(scope, name)], scope.signal);
    await commitSnapshot(this.#options, commit);
  }

  async remove(scope: Scope, key: string): Promise<void> {
    const space = this.#space(scope);
    using _ = await this.#options.locks.take([this.#lock(scope, key)], scope.signal);
    await this.#db.write((change) => {
      const row = this.#get(scope, key);
      if (hasChildren(this.#db, space, key) || this.#options.parents.inUse(this.#lock(scope, key))) {
        throw failedPrecondition(`cannot remove snapshot ${JSON.stringify(key)} with child`);
      }
      deleteSnapshot(this.#db, space, key);
      doom(this.#db, `snapshot/${space.snapshotter}`, row.backendKey);
      if (row.committing !== undefined) doom(this.#db, `snapshot/${space.snapshotter}`, row.committing.backendKey);
      dropFromLeases(this.#db, scope.namespace, { type: `snapshots/${space.snapshotter}`, id: key });
      change.deletion();
      snapshotRemoved(change, space, key);
    });
  }

  async *walk(scope: Scope, filters: readonly string[] = []): AsyncIterable<SnapshotInfo> {
    const filter = parseFilters(filters);
    const known = new Map<string, SnapshotInfo>();
    for await (const info of this.#options.backend.walk(scope)) known.set(info.name, info);
    for (let after = ''; ; ) {
      const page = nextSnapshots(this.#db, this.#space(scope), after);
      for (const row of page) {
        const backend = known.get(row.backendKey);
        if (backend === undefined) continue;
        const info = merged(row, backend);
        if (filter.match(snapshotFields(info))) yield info;
      }
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.name;
    }
  }

  async cleanup(scope: Scope): Promise<void> {
    await this.#options.backend.cleanup(scope);
  }

  /** Finishes or undoes a commit that was cut short. */
  async resolve(scope: Scope, key: string): Promise<void> {
    const row = findSnapshot(this.#db, this.#space(scope), key);
    if (row?.committing === undefined) return;
    const keys = [this.#lock(scope, key), this.#lock(scope, row.committing.name)];
    using _ = await this.#options.locks.take(keys, scope.signal);
    await resolveCommit(this.#options, scope, this.#space(scope), key);
  }

  async #make(
    kind: 'active' | 'view',
    scope: Scope,
    key: string,
    parent: string,
    options: SnapshotOptions,
  ): Promise<readonly Mount[]> {
    if (key === '') throw invalidArgument('snapshot key must not be empty');
    const labels = storedLabels(options.labels ?? {});
    const { backend, locks, parents, pins } = this.#options;
    using _ = await locks.take([this.#lock(scope, key)], scope.signal);
    using _child = parent === '' ? undefined : parents.use(this.#lock(scope, parent));
    const plan = await this.#db.writeLazily((change) => this.#plan(change, scope, key, parent, labels[refLabel]));
    if (plan.exists !== undefined) {
      await this.#db.flush();
      throw alreadyExists(plan.exists);
    }
    using _own = await pins.pin(plan.backendKey);
    const at = now();
    const row = {
      ...{ name: key, backendKey: plan.backendKey, parent, kind, labels },
      ...{ createdAt: at, updatedAt: at, committing: undefined },
    };
    try {
      await failpoint?.('metadata.snapshot.planned');
      const make = kind === 'view' ? backend.view : backend.prepare;
      const mounts = await make.call(backend, scope, plan.backendKey, plan.backendParent, {
        labels: inheritedLabels(labels),
      });
      await failpoint?.('metadata.snapshot.made');
      await this.#db.write((change) => this.#insert(change, scope, row));
      return mounts;
    } catch (thrown) {
      if (!certain.includes(classOf(thrown))) this.#options.unclear();
      await this.#db.writeLazily(() => doom(this.#db, `snapshot/${this.#options.snapshotter}`, plan.backendKey));
      const target = labels[refLabel];
      if (target !== undefined && isFault(thrown, 'already_exists')) {
        await this.#adopt(scope, target, row, plan.backendParent);
      }
      throw thrown;
    }
  }

  /** What to ask the backend for; or the words for what is there already, which the scope's lease then holds. Inside a transaction. */
  #plan(change: Change, scope: Scope, key: string, parent: string, target: string | undefined): Plan {
    const space = this.#space(scope);
    for (const name of target === undefined ? [key] : [key, target]) {
      if (findSnapshot(this.#db, space, name) === undefined) continue;
      this.#hold(change, scope, name);
      const what = name === key ? 'snapshot' : 'target snapshot';
      return { exists: `${what} ${JSON.stringify(name)}`, backendKey: '', backendParent: '' };
    }
    const above = parent === '' ? undefined : findSnapshot(this.#db, space, parent);
    if (parent !== '' && above === undefined) throw notFound(`parent snapshot ${JSON.stringify(parent)}`);
    if (above !== undefined && above.kind !== 'committed') {
      throw invalidArgument(`parent snapshot ${JSON.stringify(parent)} is not committed`);
    }
    requireScopeLease(this.#db, scope);
    const backendKey = `${scope.namespace}/${nextSequence(this.#db)}/${key}`;
    return { exists: undefined, backendKey, backendParent: above?.backendKey ?? '' };
  }

  #insert(change: Change, scope: Scope, row: SnapshotRow): void {
    const space = this.#space(scope);
    // The key may have come up meanwhile as the target of somebody else's `snapshot.ref`.
    if (findSnapshot(this.#db, space, row.name) !== undefined)
      throw alreadyExists(`snapshot ${JSON.stringify(row.name)}`);
    enterNamespace(this.#db, scope.namespace);
    putSnapshot(this.#db, change, space, row);
    this.#hold(change, scope, row.name);
    if (row.kind === 'active') snapshotPrepared(change, space, row.name, row.parent);
  }

  /**
   * The backend has the target already, made for another namespace or by itself (a remote snapshotter): it is entered here under its
   * name, so that the caller finds it there.
   */
  async #adopt(scope: Scope, target: string, given: SnapshotRow, backendParent: string): Promise<void> {
    const { backend, pins } = this.#options;
    const filter = `labels.${JSON.stringify(refLabel)}==${JSON.stringify(target)},parent==${JSON.stringify(backendParent)}`;
    for await (const info of backend.walk(
      scope,
      backendParent === '' ? [filter.split(',parent==')[0] as string] : [filter],
    )) {
      if (info.parent !== backendParent || info.kind !== 'committed' || info.labels[refLabel] !== target) continue;
      using _ = await pins.pin(info.name);
      // A removal that was under way has ended now; perhaps with this very snapshot.
      const there = await backend.stat(scope, info.name).then(
        () => true,
        (thrown: unknown) => {
          if (!isFault(thrown, 'not_found')) throw thrown;
          return false;
        },
      );
      if (!there) continue;
      await this.#db.write((change) => {
        if (findSnapshot(this.#db, this.#space(scope), target) === undefined) {
          const row: SnapshotRow = { ...given, name: target, backendKey: info.name, kind: 'committed' };
          enterNamespace(this.#db, scope.namespace);
          putSnapshot(this.#db, change, this.#space(scope), row);
        }
        this.#hold(change, scope, target);
      });
      throw alreadyExists(`target snapshot ${JSON.stringify(target)}`);
    }
  }

  #hold(change: Change, scope: Scope, name: string): void {
    const { snapshotter } = this.#options;
    holdInLease(this.#db, scope, `snapshots/${snapshotter}`, name);
    change.touch({ kind: `snapshot/${snapshotter}`, namespace: scope.namespace, key: name });
  }

  #get(scope: Scope, key: string): SnapshotRow {
    const row = findSnapshot(this.#db, this.#space(scope), key);
    if (row === undefined) throw notFound(`snapshot ${JSON.stringify(key)}`);
    return row;
  }

  #space(scope: Scope): SnapshotSpace {
    return { namespace: scope.namespace, snapshotter: this.#options.snapshotter };
  }

  #lock(scope: Scope, key: string): string {
    return `${scope.namespace}/${key}`;
  }
}

interface Plan {
  readonly exists: string | undefined;
  readonly backendKey: string;
  readonly backendParent: string;
}

/** The row's names, labels and times over what the backend says; labels that only the backend has are shown too. */
function merged(row: SnapshotRow, backend: SnapshotInfo): SnapshotInfo {
  const { name, parent, kind, labels, createdAt, updatedAt } = row;
  return { name, parent, kind, labels: { ...backend.labels, ...labels }, createdAt, updatedAt };
}
