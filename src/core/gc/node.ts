/**
 * What can refer or be referred to. `snapshot/<snapshotter>` names the snapshotter; `other/<kind>` is what a `Collectible` has.
 */
export type NodeKind =
  | 'content'
  | 'ingest'
  | 'image'
  | 'lease'
  | 'container'
  | 'sandbox'
  | `snapshot/${string}`
  | `other/${string}`;

/** One object of one namespace, alive or not. `flat`: kept by a flat lease, so that only what it cannot do without is kept with it. */
export interface Node {
  readonly kind: NodeKind;
  readonly namespace: string;
  readonly key: string;
  readonly flat?: boolean;
}

/** One object as another refers to it. */
export interface Reference extends Node {
  /** What makes the reference: a label's name, or words such as `target` and `parent`. */
  readonly by: string;
}
