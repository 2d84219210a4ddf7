import type { Labels } from '#core/labels';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import type { MetaDatabase } from './database.ts';
import type { KeyLocks } from './key-locks.ts';
import type { Pins } from './pins.ts';
import type { UseCounts } from './use-counts.ts';

/** One snapshotter's backend, and what guards it. */
export interface SnapshotsOptions {
  readonly db: MetaDatabase;
  readonly snapshotter: string;
  readonly backend: Snapshotter;
  /** Backend keys that must not be removed. */
  readonly pins: Pins;
  readonly locks: KeyLocks;
  /** Snapshots that are about to get a child: as good as parents. */
  readonly parents: UseCounts;
  /** Called when the backend gave no clear answer: it may yet make what nobody waits for. */
  unclear(): void;
}

/** Names the committed snapshot that a preparation is for: if it is there already, nothing need be prepared. */
export const refLabel = 'containerd.io/snapshot.ref';

/** The only labels that a backend sees: those that change what it does. */
export function inheritedLabels(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).filter(([key]) => key === refLabel || key.startsWith('containerd.io/snapshot/')),
  );
}
