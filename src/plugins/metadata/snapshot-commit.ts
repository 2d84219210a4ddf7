import {
  alreadyExists,
  classOf,
  type ErrorClass,
  failedPrecondition,
  invalidArgument,
  isFault,
  notFound,
} from '#base/errors';
import { failpoint } from '#base/failpoints';
import { now } from '#base/timestamp';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';
import { snapshotCommitted } from './announcements.ts';
import type { Change } from './database.ts';
import { inheritedLabels, type SnapshotsOptions } from './snapshot-backend.ts';
import {
  deleteSnapshot,
  findSnapshot,
  type PendingCommit,
  putSnapshot,
  type SnapshotRow,
  type SnapshotSpace,
} from './snapshot-rows.ts';
import { hasLease, holdInLease, moveInLeases, nextSequence, requireScopeLease } from './space.ts';

/** A commit, its labels checked. The caller holds the locks of key and name. */
export interface Commit {
  readonly scope: Scope;
  readonly space: SnapshotSpace;
  readonly name: string;
  readonly key: string;
  readonly labels: Labels;
  /** The new parent, or '' to keep the one it has. */
  readonly parent: string;
}

/** After these answers the backend has certainly not done what it was asked for. */
export const certain: readonly ErrorClass[] = [
  'not_found',
  'already_exists',
  'failed_precondition',
  'invalid_argument',
  'not_implemented',
];

/**
 * Commits in three steps: the intention as part of the row, the backend, the new row. A crash or an unclear answer after the second leaves the
 * intention, from which `resolveCommit` sees what to do.
 */
export async function commitSnapshot(options: SnapshotsOptions, commit: Commit): Promise<void> {
  const { db, backend, parents, pins } = options;
  const { scope, space, name, key, parent } = commit;
  await resolveCommit(options, scope, space, key);
  using _child = parent === '' ? undefined : parents.use(`${scope.namespace}/${parent}`);
  const plan = await db.writeLazily((change) => planCommit(options, change, commit));
  if (plan === undefined) {
    await db.flush();
    throw alreadyExists(`snapshot ${JSON.stringify(name)}`);
  }
  const { row, pending, backendParent } = plan;
  // A collection may find the key to be garbage while the backend is at work on it.
  using _before = await pins.pin(row.backendKey);
  using _after = await pins.pin(pending.backendKey);
  try {
    await failpoint?.('metadata.commit.intended');
    await backend.commit(scope, pending.backendKey, row.backendKey, {
      labels: inheritedLabels(pending.labels),
      ...(backendParent !== '' && { parent: backendParent }),
    });
  } catch (thrown) {
    if (certain.includes(classOf(thrown))) {
      await db.writeLazily((change) => putSnapshot(db, change, space, { ...row, committing: undefined }));
    }
    throw thrown;
  }
  await failpoint?.('metadata.commit.made');
  await db.write((change) => {
    finishCommit(options, change, scope, space, row, pending);
    // The lease was there when the commit began; one that has gone since would hold it no longer anyway.
    if (hasLease(db, scope.namespace, scope.lease ?? ''))
      holdInLease(db, scope, `snapshots/${space.snapshotter}`, name);
  });
}

/** Finishes or undoes a commit that was cut short, as the backend shows. The caller holds the locks of key and name. */
export async function resolveCommit(
  options: SnapshotsOptions,
  scope: Scope,
  space: SnapshotSpace,
  key: string,
): Promise<void> {
  const { db, backend } = options;
  const row = findSnapshot(db, space, key);
  const pending = row?.committing;
  if (row === undefined || pending === undefined) return;
  const has = (backendKey: string) =>
    backend.stat(scope, backendKey).then(
      () => true,
      (thrown: unknown) => {
        if (!isFault(thrown, 'not_found')) throw thrown;
        return false;
      },
    );
  const done = !(await has(row.backendKey)) && (await has(pending.backendKey));
  await db.write((change) => {
    const taken = findSnapshot(db, space, pending.name) !== undefined;
    if (done && !taken) finishCommit(options, change, scope, space, row, pending);
    else putSnapshot(db, change, space, { ...row, committing: undefined });
  });
}

interface CommitPlan {
  readonly row: SnapshotRow;
  readonly pending: PendingCommit;
  readonly backendParent: string;
}

/** Checks, and notes the intention; `undefined` when the name is taken, which the scope's lease then holds. Inside a transaction. */
function planCommit(options: SnapshotsOptions, change: Change, commit: Commit): CommitPlan | undefined {
  const { db } = options;
  const { scope, space, name, key, labels, parent } = commit;
  if (findSnapshot(db, space, name) !== undefined) {
    holdInLease(db, scope, `snapshots/${space.snapshotter}`, name);
    change.touch({ kind: `snapshot/${space.snapshotter}`, namespace: scope.namespace, key: name });
    return undefined;
  }
  const row = findSnapshot(db, space, key);
  if (row === undefined) throw notFound(`snapshot ${JSON.stringify(key)}`);
  if (row.kind !== 'active') throw failedPrecondition(`snapshot ${JSON.stringify(key)} is not active`);
  requireScopeLease(db, scope);
  const backendParent = parent === '' ? '' : newParent(options, space, row, parent);
  const pending = {
    ...{ name, labels, parent: parent === '' ? row.parent : parent },
    backendKey: `${scope.namespace}/${nextSequence(db)}/${name}`,
  };
  putSnapshot(db, change, space, { ...row, committing: pending });
  return { row, pending, backendParent };
}

function newParent({ db, backend }: SnapshotsOptions, space: SnapshotSpace, row: SnapshotRow, parent: string): string {
  if (!backend.capabilities.has('rebase')) {
    throw failedPrecondition(`snapshotter ${JSON.stringify(space.snapshotter)} cannot change a parent at commit`);
  }
  if (row.parent !== '') throw failedPrecondition(`snapshot ${JSON.stringify(row.name)} has a parent already`);
  const above = findSnapshot(db, space, parent);
  if (above === undefined) throw notFound(`parent snapshot ${JSON.stringify(parent)}`);
  if (above.kind !== 'committed') throw invalidArgument(`parent snapshot ${JSON.stringify(parent)} is not committed`);
  return above.backendKey;
}

/** The key's row becomes the name's; who leased the one leases the other. Inside a transaction. */
function finishCommit(
  { db }: SnapshotsOptions,
  change: Change,
  scope: Scope,
  space: SnapshotSpace,
  row: SnapshotRow,
  { name, backendKey, labels, parent }: PendingCommit,
): void {
  const type = `snapshots/${space.snapshotter}`;
  const at = now();
  deleteSnapshot(db, space, row.name);
  putSnapshot(db, change, space, {
    ...{ name, backendKey, parent, labels, kind: 'committed', createdAt: at, updatedAt: at, committing: undefined },
  });
  moveInLeases(db, scope.namespace, { type, id: row.name }, { type, id: name });
  snapshotCommitted(change, space, row.name, name);
}
