import type { ContainerStore } from '#core/containers/containers';
import type { ContentStore } from '#core/content/content';
import type { Collectible, CollectibleRegistration } from '#core/gc/collectible';
import type { CollectionStats } from '#core/gc/collector';
import type { WhyKept } from '#core/gc/why';
import type { ImageStore } from '#core/images/images';
import type { LeaseStore } from '#core/leases/leases';
import type { NamespaceStore } from '#core/namespaces/namespaces';
import { slot } from '#core/plugin/slot';
import type { SandboxStore } from '#core/sandboxes/sandboxes';
import type { Snapshotter } from '#core/snapshots/snapshotter';

/**
 * The namespaced face of everything that is stored: the stores that services and the transfer engine use. Content and snapshots
 * reach their backends through it, so that namespaces, leases, labels and collection hold.
 */
export interface Metadata extends WhyKept {
  readonly content: ContentStore;
  /** By snapshotter id. */
  readonly snapshotters: ReadonlyMap<string, Snapshotter>;
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  readonly sandboxes: SandboxStore;
  readonly leases: LeaseStore;
  readonly namespaces: NamespaceStore;
  /** One collection, from marking to the removal in the backends; the scheduler (`Collector`) decides when. */
  collect(signal: AbortSignal): Promise<CollectionStats>;
  /** Has collections look after things without rows. @throws already_exists for a kind that is looked after */
  addCollectible(collectible: Collectible): CollectibleRegistration;
  /** Called with the kind of each change that could make garbage, after it was committed: what the scheduler counts. */
  onMutation(listener: (change: Mutation) => void): Disposable;
}

export interface Mutation {
  /** Something may have become garbage. */
  readonly deletion: boolean;
  /** What was made or changed expires then, in milliseconds since the epoch. */
  readonly expiresAtMs?: number;
}
export const Metadata = slot<Metadata>('io.containerd.metadata.v1');
