import type { SnapshotKind } from '#core/snapshots/snapshotter';
import type { Report } from './findings.ts';

/** Where a plugin's store is, for a check of it while no daemon runs. */
export interface CheckPlace<C> {
  readonly config: C;
  /** `<root>/<uri>.<id>`; may not be there. */
  readonly rootDir: string;
  /** `<state>/<uri>.<id>`; may not be there. */
  readonly stateDir: string;
  /** The plugin's id: a snapshotter's name. */
  readonly id: string;
  /** Read the bytes, too. */
  readonly deep: boolean;
  readonly report: Report;
}

/** What the metadata say that backends must have. Changes are made only by repairs. */
export interface CheckedMetadata extends AsyncDisposable {
  readonly blobs: ReadonlyMap<string, KnownBlob>;
  /** Digests that an ingest waits for: such a blob is no orphan. */
  readonly expected: ReadonlySet<string>;
  /** Names of ingests in the content store. */
  readonly ingests: ReadonlySet<string>;
  /** `<namespace>/<id>` of all containers and sandboxes. */
  readonly runnable: ReadonlySet<string>;
  snapshots(snapshotter: string): readonly KnownSnapshot[];
  /** What goes away with a blob, or with a snapshot and all that lies on it, in words: `image busybox (default)`. */
  usersOfBlob(digest: string): readonly string[];
  usersOfSnapshot(snapshotter: string, backendKey: string): readonly string[];
  dropBlob(digest: string): void;
  /** In all namespaces that have it. */
  correctBlob(digest: string, size: number): void;
  /** And all that lies on it. */
  dropSnapshot(snapshotter: string, backendKey: string): void;
  correctSnapshot(
    snapshotter: string,
    row: KnownSnapshot,
    seen: { readonly kind: SnapshotKind; readonly parent: string },
  ): void;
  /** Enters a snapshot that the backend has and the namespace must have, without labels. */
  adoptSnapshot(snapshotter: string, row: Pick<KnownSnapshot, 'namespace' | 'name' | 'key' | 'parentName'>): void;
  /** Looks at what depends on several stores, when all have been checked. */
  finish(): Promise<void>;
}

export interface KnownBlob {
  /** -1 where namespaces do not agree. */
  readonly size: number;
  readonly namespaces: readonly string[];
}

/** A snapshot of a namespace in the backend's words. */
export interface KnownSnapshot {
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  readonly kind: string;
  /** The backend's name of the parent, '' for none, and for one that has no row. */
  readonly parent: string;
  /** What the namespace calls it. */
  readonly parentName: string;
  /** What it is called in the backend if a commit that was cut short is done. */
  readonly laterKey?: string;
}

/** How a plugin looks at its own store, alone or by what the metadata know. */
export interface StoreCheck<C> {
  /** For the plugin that has the metadata; `undefined` when there are none that can be read. */
  metadata?(place: CheckPlace<C>): Promise<CheckedMetadata | undefined>;
  backend?(place: CheckPlace<C>, known: CheckedMetadata): Promise<void>;
  /** Whether there is something to be known: without metadata that is a loss. */
  holds?(place: CheckPlace<C>): boolean;
}
