import { abortable, throwIfAborted, within } from '#base/cancellation';
import { isFault } from '#base/errors';
import { failpoint } from '#base/failpoints';
import type { Log } from '#base/log';
import type { ContentStore } from '#core/content/content';
import { Breath, type Pace } from '#core/gc/slices';
import { scopeOf } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import type { Digest } from '#lib/digest';
import { blobNeeded } from './blob-rows.ts';
import type { MetaDatabase } from './database.ts';
import type { Pins } from './pins.ts';
import { snapshotNeeded } from './snapshot-rows.ts';
import { type DoomedStore, doom } from './space.ts';

/** A snapshotter that takes longer for its removals is given up until the next collection. */
const removalMs = 60_000;
/** A collection waits so long for each snapshotter, and then goes on without it. */
const patienceMs = 30_000;

export interface ReaperOptions {
  readonly db: MetaDatabase;
  readonly log: Log;
  readonly content: ContentStore;
  readonly contentPins: Pins;
  readonly snapshotters: ReadonlyMap<string, SnapshotPlace>;
  /** How long a collection waits for each snapshotter. */
  readonly patienceMs?: number;
  /** How it divides its work, for tests. */
  readonly pace?: Pace | undefined;
}

/** A snapshotter and the backend keys that must not be removed from it. */
export interface SnapshotPlace {
  readonly backend: Snapshotter;
  readonly pins: Pins;
}

/**
 * Removes from the backends what the database has doomed, and, when asked to, what no row knows at all.
 *
 * A row in `doomed` is a suspicion, not a sentence: before each removal, in one go with it, the reaper looks whether a row or a pin needs the
 * object. The rows' deletion is durable before the object goes.
 */
export class Reaper {
  readonly #options: ReaperOptions;
  readonly #db: MetaDatabase;
  /** Snapshotters whose last removal is still under way: they must not hold up the others. */
  readonly #busy = new Set<string>();

  constructor(options: ReaperOptions) {
    this.#options = options;
    this.#db = options.db;
  }

  /** Removes all that is doomed, backend by backend side by side. What fails stays doomed. */
  async reap(signal: AbortSignal): Promise<void> {
    await this.#db.flush();
    await Promise.all([
      this.#reapContent(signal),
      ...[...this.#options.snapshotters.keys()].map((snapshotter) =>
        this.#patiently(snapshotter, this.#reapSnapshots(snapshotter, signal), signal),
      ),
    ]);
  }

  /** Removes an ingest's bytes now; its row's deletion is durable. What fails stays doomed. */
  async reapIngest(backendRef: string): Promise<void> {
    await this.#db.writeLazily(() => {
      this.#db.run(`DELETE FROM doomed WHERE store = 'ingest' AND key = ?`, backendRef);
    });
    await this.#abort(backendRef);
  }

  /**
   * Dooms what the backends have and no row or pin knows: what a crash left. Reads the whole backends; nothing waits meanwhile. False when a
   * snapshotter could not be read.
   */
  async findOrphans(signal: AbortSignal): Promise<boolean> {
    const { content, contentPins, snapshotters } = this.#options;
    const scope = scopeOf('', { signal });
    const breath = new Breath(this.#options.pace);
    for await (const { digest } of content.walk(scope)) {
      await breath.take();
      throwIfAborted(signal);
      if (!contentPins.pinned(digest) && !blobNeeded(this.#db, digest)) await this.#suspect('content', digest);
    }
    for (const { ref } of await content.statuses(scope)) {
      await breath.take();
      if (!this.#db.has('SELECT 1 FROM ingests WHERE backend_ref = ?', ref)) await this.#suspect('ingest', ref);
    }
    const found = await Promise.all(
      [...snapshotters].map(([snapshotter, place]) =>
        this.#patiently(snapshotter, this.#findOrphanSnapshots(snapshotter, place, signal), signal),
      ),
    );
    return found.every(Boolean);
  }

  async #findOrphanSnapshots(
    snapshotter: string,
    { backend, pins }: SnapshotPlace,
    signal: AbortSignal,
  ): Promise<void> {
    const breath = new Breath(this.#options.pace);
    for await (const { name } of backend.walk(scopeOf('', { signal }))) {
      await breath.take();
      throwIfAborted(signal);
      const needed = pins.pinned(name) || snapshotNeeded(this.#db, snapshotter, name);
      if (!needed) await this.#suspect(`snapshot/${snapshotter}`, name);
    }
  }

  /** Waits for work on a snapshotter, but not for ever: what hangs goes on without the collection. False when it failed or hangs. */
  async #patiently(snapshotter: string, work: Promise<void>, signal: AbortSignal): Promise<boolean> {
    try {
      await abortable(work, within(this.#options.patienceMs ?? patienceMs, signal));
      return true;
    } catch (thrown) {
      this.#options.log.warn('collection goes on without a snapshotter', { snapshotter, error: thrown });
      return false;
    }
  }

  async #reapContent(signal: AbortSignal): Promise<void> {
    const breath = new Breath(this.#options.pace);
    for await (const ref of this.#taken('ingest', signal)) {
      await breath.take();
      await this.#abort(ref);
    }
    for await (const digest of this.#taken('content', signal)) {
      await breath.take();
      await this.#removeBlob(digest);
    }
  }

  async #removeBlob(digest: string): Promise<void> {
    const { content, contentPins, log } = this.#options;
    const needed = () => blobNeeded(this.#db, digest);
    try {
      const remove = () => content.delete(scopeOf(''), digest as Digest).catch(ifNotFound);
      const removed = await contentPins.removeUnless(digest, needed, remove);
      // Somebody reads it or is about to commit it: once more next time.
      if (!removed && !needed()) await this.#suspect('content', digest);
    } catch (thrown) {
      log.warn('content not removed', { digest, error: thrown });
      await this.#suspect('content', digest);
    }
  }

  async #abort(backendRef: string): Promise<void> {
    try {
      await this.#options.content.abort(scopeOf(''), backendRef).catch(ifNotFound);
    } catch (thrown) {
      this.#options.log.warn('ingest not removed', { ref: backendRef, error: thrown });
      await this.#suspect('ingest', backendRef);
    }
  }

  async #reapSnapshots(snapshotter: string, signal: AbortSignal): Promise<void> {
    const place = this.#options.snapshotters.get(snapshotter);
    if (place === undefined || this.#busy.has(snapshotter)) return;
    this.#busy.add(snapshotter);
    const left = new Set<string>();
    try {
      for await (const key of this.#taken(`snapshot/${snapshotter}`, signal)) left.add(key);
      if (left.size === 0) return;
      const limited = within(removalMs, signal);
      await this.#removeLeavesFirst(snapshotter, place, left, limited);
      await abortable(place.backend.cleanup(scopeOf('', { signal: limited })), limited).catch((thrown: unknown) => {
        if (!isFault(thrown, 'not_implemented')) throw thrown;
      });
    } catch (thrown) {
      this.#options.log.warn('snapshots not removed', { snapshotter, error: thrown });
    } finally {
      for (const key of left) await this.#suspect(`snapshot/${snapshotter}`, key);
      this.#busy.delete(snapshotter);
    }
  }

  /** Rounds over what is left, until a round removes nothing: a parent goes after its children, whatever order they were made in. */
  async #removeLeavesFirst(
    snapshotter: string,
    { backend, pins }: SnapshotPlace,
    left: Set<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const breath = new Breath(this.#options.pace);
    for (let before = -1; before !== left.size && left.size > 0; ) {
      before = left.size;
      // Mostly a child was made after its parent.
      for (const key of [...left].reverse()) {
        await breath.take();
        const needed = () => snapshotNeeded(this.#db, snapshotter, key);
        const remove = () => abortable(backend.remove(scopeOf('', { signal }), key).catch(ifNotFound), signal);
        try {
          const removed = await pins.removeUnless(key, needed, remove);
          if (removed) await failpoint?.('gc.snapshot.removed');
          if (removed || needed()) left.delete(key);
        } catch (thrown) {
          if (!isFault(thrown, 'failed_precondition')) throw thrown;
        }
      }
    }
  }

  /** What is doomed, each taken off the list: who cannot remove it puts it back. A crash in between leaves an orphan for the next start. */
  async *#taken(store: string, signal: AbortSignal): AsyncIterable<string> {
    for (let after = ''; !signal.aborted; ) {
      if (!this.#db.has('SELECT 1 FROM doomed WHERE store = ? AND key > ? LIMIT 1', store, after)) return;
      const keys = await this.#db.writeLazily(() => {
        const page = this.#db
          .rows<[string]>('SELECT key FROM doomed WHERE store = ? AND key > ? ORDER BY key LIMIT 100', store, after)
          .map(([key]) => key);
        for (const key of page) this.#db.run('DELETE FROM doomed WHERE store = ? AND key = ?', store, key);
        return page;
      });
      await failpoint?.('gc.doomed.taken');
      const last = keys.at(-1);
      if (last === undefined) return;
      after = last;
      yield* keys;
    }
  }

  async #suspect(store: DoomedStore, key: string): Promise<void> {
    await this.#db.writeLazily(() => doom(this.#db, store, key));
  }
}

function ifNotFound(thrown: unknown): void {
  if (!isFault(thrown, 'not_found')) throw thrown;
}
