import type { Node } from './node.ts';

/**
 * A kind of things that collections look after although the metadata have no rows of them: open streams, activated mounts.
 *
 * Labels refer to them by `containerd.io/gc.ref.<kind>[.x|/x]`. A thing in a lease lives as long as that; one without is kept for its own sake, if
 * it says so.
 */
export interface Collectible {
  /** One word; the node kind is `other/<kind>`. */
  readonly kind: string;
  /** What there is at this moment. Costs as much as there are; must not wait. */
  all(): Iterable<CollectibleThing>;
  /** Only called for what nothing keeps. What is gone already is no failure. @throws what the collection then reports in its log */
  remove(namespace: string, key: string): Promise<void>;
}

export interface CollectibleThing {
  readonly namespace: string;
  readonly key: string;
  /** The lease that has it. */
  readonly lease?: string;
  /** Kept for its own sake. */
  readonly root?: boolean;
  /** What is kept with it. */
  readonly references?: readonly Node[];
  /** With what it is kept. */
  readonly backReferences?: readonly Node[];
}

/** Says that collections look after a kind, until it is disposed. */
export interface CollectibleRegistration extends Disposable {
  /** This thing is new, or in another lease: a collection that is under way must look at it again. Call it in one go with the change. */
  touch(namespace: string, key: string): void;
}
