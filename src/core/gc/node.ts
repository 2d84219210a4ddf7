/** What can refer or be referred to. `snapshot/<snapshotter>` names the snapshotter. */
export type NodeKind = 'content' | 'ingest' | 'image' | 'lease' | 'container' | `snapshot/${string}`;

/** One object of one namespace, alive or not. `flat`: kept by a flat lease, so that only what it cannot do without is kept with it. */
export interface Node {
  readonly kind: NodeKind;
  readonly namespace: string;
  readonly key: string;
  readonly flat?: boolean;
}
