import type { Labels } from '#core/labels';

export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
}

/** Namespaces divide everything else. One also comes into being by the first write into it. */
export interface NamespaceStore {
  /** A namespace nobody made has no labels; that is no error. @throws invalid_argument for a malformed name */
  get(name: string): Promise<Namespace>;
  list(): Promise<readonly Namespace[]>;
  /** @throws already_exists; invalid_argument */
  create(namespace: Namespace): Promise<Namespace>;
  /** Changes `fields` (`labels`, `labels.<k>`); without fields all labels. Like any write it makes the namespace that is not there. @throws invalid_argument */
  update(namespace: Namespace, fields?: readonly string[]): Promise<Namespace>;
  /** @throws not_found; failed_precondition naming what is still in it (images, blobs, containers, snapshots on "x" snapshotter) */
  delete(name: string): Promise<void>;
}
