import type { Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';
import type { Mount } from '#core/mount';
import { slot } from '#core/plugin/slot';
import type { Scope } from '#core/scope';

/**
 * Keeps file system trees that are changes of one another.
 *
 * A committed snapshot never changes and may be a parent. An active one is being changed and is known by its key; `commit` turns it
 * into a committed one with a name. A view is a read-only active one. Keys and names share one name space.
 * A backend ignores the scope's namespace and lease (the metadata layer in front prefixes the keys: `<namespace>/<n>/<key>`).
 * What was acknowledged survives a power cut. Callers mount what `mounts` says; the snapshotter itself mounts nothing that stays.
 */
export interface Snapshotter extends Partial<AsyncDisposable> {
  /**
   * What this one can do beyond the ordinary. `rebase`: `commit` takes `parent` for a snapshot prepared without one, so that layers can be
   * written in parallel, before their parents are there.
   */
  readonly capabilities: ReadonlySet<'rebase'>;

  /** @throws not_found */
  stat(scope: Scope, key: string): Promise<SnapshotInfo>;

  /** Changes labels: `fields` as in ContentStore.update. @throws not_found; invalid_argument */
  update(scope: Scope, info: Pick<SnapshotInfo, 'name' | 'labels'>, fields?: readonly string[]): Promise<SnapshotInfo>;

  /** What this snapshot takes alone, its parents not counted. Walks the tree for an active one. @throws not_found */
  usage(scope: Scope, key: string): Promise<Usage>;

  /** How to mount an active snapshot or a view. Does no I/O on the tree. @throws not_found; failed_precondition for a committed one */
  mounts(scope: Scope, key: string): Promise<readonly Mount[]>;

  /**
   * Makes an active snapshot on top of a committed one (or of nothing, with an empty parent), in time independent of its size where the file system allows.
   * With the label `containerd.io/snapshot.ref=<name>` and a committed snapshot of that name: already_exists.
   * @throws already_exists; not_found for the parent; invalid_argument when the parent is not committed
   */
  prepare(scope: Scope, key: string, parent: string, options?: SnapshotOptions): Promise<readonly Mount[]>;

  /** The same, read-only; it can not be committed. */
  view(scope: Scope, key: string, parent: string, options?: SnapshotOptions): Promise<readonly Mount[]>;

  /**
   * Turns the active snapshot `key` into the committed `name`; `key` is gone then. Children may come at once.
   * @throws already_exists for the name; not_found for the key; failed_precondition when it is not active, or when `parent` is given
   *   and it has one already or the capability is missing
   */
  commit(
    scope: Scope,
    name: string,
    key: string,
    options?: SnapshotOptions & { readonly parent?: string },
  ): Promise<void>;

  /** The tree may stay on disk until `cleanup`. @throws not_found; failed_precondition when it has children */
  remove(scope: Scope, key: string): Promise<void>;

  /** Snapshots that match any of the filters (name, parent, kind, labels.*). */
  walk(scope: Scope, filters?: readonly string[]): AsyncIterable<SnapshotInfo>;

  /** Frees what `remove` left behind. May take long; nothing waits for it. @throws not_implemented where there is nothing to do */
  cleanup(scope: Scope): Promise<void>;
}
export const Snapshotter = slot<Snapshotter>('io.containerd.snapshotter.v1', { perPlatform: true });

export type SnapshotKind = 'view' | 'active' | 'committed';

export interface SnapshotInfo {
  readonly name: string;
  /** Empty for none. */
  readonly parent: string;
  readonly kind: SnapshotKind;
  readonly labels: Labels;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

export interface SnapshotOptions {
  readonly labels?: Labels;
}

export interface Usage {
  readonly inodes: number;
  /** Bytes on disk. */
  readonly size: number;
}
