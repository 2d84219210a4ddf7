import type { Log } from '#base/log';
import { scopeOf } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';

/** Removes what a crash left. It may be large, and nobody waits for it; what cannot be removed is tried again by the next cleanup. */
export function removeLeftovers(snapshotter: Snapshotter, log: Log): void {
  snapshotter
    .cleanup(scopeOf(''))
    .catch((thrown: unknown) => log.warn('leftovers of snapshots not removed', { error: thrown }));
}
