import type { Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';

/** Keeps what it names, and all that those need, from collection, until it is deleted or its `containerd.io/gc.expire` label has passed. */
export interface Lease {
  readonly id: string;
  readonly createdAt: Timestamp;
  readonly labels: Labels;
}

/** `type` is `content`, `ingests`, `images` or `snapshots/<snapshotter>`; `id` a digest, ref, name or key. */
export interface LeaseResource {
  readonly type: string;
  readonly id: string;
}

export interface LeaseStore {
  /** An empty id gets one made up (`<nanos>-<4 characters>`). @throws already_exists; invalid_argument */
  create(scope: Scope, lease: { readonly id: string; readonly labels: Labels }): Promise<Lease>;
  /** @throws not_found. Collection is triggered by the caller (`Collector.collect` for a synchronous delete). */
  delete(scope: Scope, id: string): Promise<void>;
  /** Filters: id, labels.*. */
  list(scope: Scope, filters?: readonly string[]): Promise<readonly Lease[]>;
  /** @throws not_found for the lease; not_implemented for another type; invalid_argument for a malformed one */
  addResource(scope: Scope, id: string, resource: LeaseResource): Promise<void>;
  deleteResource(scope: Scope, id: string, resource: LeaseResource): Promise<void>;
  listResources(scope: Scope, id: string): Promise<readonly LeaseResource[]>;
}
