import { slot } from '#core/plugin/slot';

/** Removes what nothing refers to. */
export interface Collector {
  /**
   * Runs one collection that begins after the call, and waits for it: what was unreferenced at the call is gone, backends included.
   * Calls that wait together share a run. Foreground calls go on meanwhile. @throws whatever the run failed with
   */
  collect(signal: AbortSignal): Promise<CollectionStats>;
}
export const Collector = slot<Collector>('io.containerd.gc.v1');

export interface CollectionStats {
  readonly elapsedMs: number;
  /** For how long of that the event loop was held, and for how long at most in one go; absent where nobody measured. */
  readonly busyMs?: number;
  readonly longestPauseMs?: number;
  /** When the first of what is left expires, in milliseconds since the epoch; absent where nothing does. */
  readonly nextExpiryMs?: number;
  /** How many objects went, by kind (`content`, `snapshot/overlayfs`, `image`, `lease`, `ingest`). */
  readonly removed: Readonly<Record<string, number>>;
}
