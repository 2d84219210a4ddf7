import type { Any } from '#base/any';
import type { Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';

/** What is to run, apart from whether it runs: metadata only. */
export interface Container {
  readonly id: string;
  readonly labels: Labels;
  readonly image: string;
  readonly runtime: { readonly name: string; readonly options?: Any };
  readonly spec: Any;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly extensions: Readonly<Record<string, Any>>;
  /** Sandbox that it belongs to; empty for none. */
  readonly sandboxId: string;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}
export type NewContainer = Omit<Container, 'createdAt' | 'updatedAt'>;

export interface ContainerStore {
  /** @throws not_found */
  get(scope: Scope, id: string): Promise<Container>;
  /** Containers that match any of the filters (id, image, runtime.name, sandbox, labels.*), in order of id. 10 000 in some 50 ms. */
  list(scope: Scope, filters?: readonly string[]): Promise<readonly Container[]>;
  /** The same, a page as soon as it is read; absent where there are no pages. */
  pages?(scope: Scope, filters?: readonly string[]): AsyncIterable<readonly Container[]>;
  /** @throws invalid_argument for a bad id, no runtime name, no spec, or a snapshot key without snapshotter; already_exists */
  create(scope: Scope, container: NewContainer): Promise<Container>;
  /**
   * Changes `fields` (labels, labels.<k>, spec, extensions, extensions.<k>, image, snapshotkey); without fields all of those.
   * @throws not_found; invalid_argument for another field, or a changed snapshotter or runtime name
   */
  update(scope: Scope, container: NewContainer, fields?: readonly string[]): Promise<Container>;
  /** Only the record: neither task nor snapshot. @throws not_found */
  delete(scope: Scope, id: string): Promise<void>;
}
