import { abortable, throwIfAborted, within } from '#base/cancellation';
import { alreadyExists } from '#base/errors';
import type { Log } from '#base/log';
import type { ContentStore } from '#core/content/content';
import type { Events } from '#core/events/events';
import type { Collectible, CollectibleRegistration } from '#core/gc/collectible';
import type { CollectionStats } from '#core/gc/collector';
import type { Node } from '#core/gc/node';
import type { Pace } from '#core/gc/slices';
import type { Explanation } from '#core/gc/why';
import type { Metadata, Mutation } from '#core/metadata';
import { type Scope, scopeOf } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import { collectRows } from './collection.ts';
import { SqliteContainers } from './containers.ts';
import { NamespacedContent } from './content.ts';
import { MetaDatabase } from './database.ts';
import { SqliteImages } from './images.ts';
import { KeyLocks } from './key-locks.ts';
import { SqliteLeases } from './leases.ts';
import { SqliteNamespaces } from './namespaces.ts';
import { Pins } from './pins.ts';
import { Reaper } from './reaper.ts';
import { SqliteSandboxes } from './sandboxes.ts';
import { pendingCommits } from './snapshot-rows.ts';
import { NamespacedSnapshotter } from './snapshots.ts';
import { UseCounts } from './use-counts.ts';
import { explain } from './why.ts';

/** How long after an unclear answer the backends are read for what it may have left. */
const unclearMs = 10 * 60_000;
/** How long a collection waits for a snapshotter to say what became of a commit. */
const resolveMs = 5_000;
/** How long it waits for the end of a thing that has no row. */
const othersMs = 30_000;

export interface MetadataOptions {
  readonly log: Log;
  readonly content: ContentStore;
  readonly snapshotters: ReadonlyMap<string, Snapshotter>;
  readonly events: Pick<Events, 'publish'>;
  readonly policy: 'shared' | 'isolated';
  /** The clock of expiry, for tests. */
  readonly now?: () => number;
  /** How collections divide their work, for tests. */
  readonly pace?: Pace;
  /** False: nobody waits for the disk, for tests. */
  readonly durable?: boolean;
  /** How long a collection waits for each snapshotter, for tests. */
  readonly patienceMs?: number;
}

/** Opens the database and puts the namespaced stores in front of the backends, which stay the caller's. @throws when the file cannot be opened */
export async function openMetadata(path: string, options: MetadataOptions): Promise<Metadata & AsyncDisposable> {
  const { log, events, durable = true } = options;
  const db = await MetaDatabase.open(path, { log, events, durable });
  return new SqliteMetadata(db, options);
}

class SqliteMetadata implements Metadata, AsyncDisposable {
  readonly content: NamespacedContent;
  readonly snapshotters: ReadonlyMap<string, NamespacedSnapshotter>;
  readonly images: SqliteImages;
  readonly containers: SqliteContainers;
  readonly sandboxes: SqliteSandboxes;
  readonly leases: SqliteLeases;
  readonly namespaces: SqliteNamespaces;
  readonly #db: MetaDatabase;
  readonly #options: MetadataOptions;
  readonly #reaper: Reaper;
  readonly #parents = new Map<string, UseCounts>();
  readonly #contentPins = new Pins();
  readonly #collectibles = new Map<string, Collectible>();
  /** When to look for orphans again: at first, and some time after a backend's unclear answer. */
  #orphansDueAt = 0;
  #running: Promise<unknown> = Promise.resolve();
  #explaining: Promise<unknown> = Promise.resolve();

  constructor(db: MetaDatabase, options: MetadataOptions) {
    const { log, content, policy } = options;
    this.#db = db;
    this.#options = options;
    const contentPins = this.#contentPins;
    const patience = options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs };
    const places = new Map([...options.snapshotters].map(([id, backend]) => [id, { backend, pins: new Pins() }]));
    this.#reaper = new Reaper({ db, log, content, contentPins, snapshotters: places, ...patience, pace: options.pace });
    this.images = new SqliteImages(db);
    this.containers = new SqliteContainers(db);
    this.sandboxes = new SqliteSandboxes(db);
    this.leases = new SqliteLeases(db);
    this.namespaces = new SqliteNamespaces(db);
    this.content = new NamespacedContent({
      ...{ db, policy, pins: contentPins, backend: content },
      reapIngest: (ref) => this.#reaper.reapIngest(ref),
    });
    const snapshotters = [...places].map(([id, place]): [string, NamespacedSnapshotter] => {
      const parents = new UseCounts();
      this.#parents.set(id, parents);
      const unclear = () => {
        this.#orphansDueAt = Math.min(this.#orphansDueAt, performance.now() + unclearMs);
      };
      return [
        id,
        new NamespacedSnapshotter({ db, snapshotter: id, ...place, locks: new KeyLocks(), parents, unclear }),
      ];
    });
    this.snapshotters = new Map(snapshotters);
  }

  /** One at a time; who comes meanwhile has his own run afterwards. */
  collect(signal: AbortSignal): Promise<CollectionStats> {
    const run = this.#running.then(() => this.#collect(signal));
    this.#running = run.catch(() => {});
    return run;
  }

  why(
    scope: Scope,
    object: Pick<Node, 'kind' | 'key'>,
    { maxChains }: { readonly maxChains?: number } = {},
  ): Promise<Explanation> {
    const run = this.#explaining.then(() => {
      throwIfAborted(scope.signal);
      const { now = Date.now } = this.#options;
      const collectibles = new Map(this.#collectibles);
      const inUse = (node: Node) => this.#usesOf(node);
      return explain({ db: this.#db, nowMs: now(), collectibles, inUse }, scope, object, maxChains);
    });
    this.#explaining = run.catch(() => {});
    return run;
  }

  addCollectible(collectible: Collectible): CollectibleRegistration {
    const { kind } = collectible;
    if (this.#collectibles.has(kind)) throw alreadyExists(`collectible ${JSON.stringify(kind)}`);
    this.#collectibles.set(kind, collectible);
    return {
      touch: (namespace, key) => this.#db.touch({ kind: `other/${kind}`, namespace, key }),
      [Symbol.dispose]: () => void this.#collectibles.delete(kind),
    };
  }

  onMutation(listener: (change: Mutation) => void): Disposable {
    return this.#db.listen({ changed: listener });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#running, this.#explaining]);
    await this.#db[Symbol.asyncDispose]();
  }

  async #collect(signal: AbortSignal): Promise<CollectionStats> {
    const begin = performance.now();
    await this.#resolveCommits(signal);
    if (begin >= this.#orphansDueAt) {
      const complete = await this.#reaper.findOrphans(signal);
      this.#orphansDueAt = complete ? Number.POSITIVE_INFINITY : performance.now() + unclearMs;
    }
    const { now, pace } = this.#options;
    const stats = await collectRows(
      {
        ...{ db: this.#db, inUse: (node: Node) => this.#inUse(node), collectibles: new Map(this.#collectibles) },
        removeOther: (kind, node) => this.#removeOther(kind, node, signal),
        ...(now !== undefined && { now }),
        ...(pace !== undefined && { pace }),
      },
      signal,
    );
    await this.#reaper.reap(signal);
    return { ...stats, elapsedMs: performance.now() - begin };
  }

  async #removeOther(kind: string, { namespace, key }: Node, signal: AbortSignal): Promise<void> {
    try {
      const removing = this.#collectibles.get(kind)?.remove(namespace, key);
      await abortable(removing ?? Promise.resolve(), within(othersMs, signal));
    } catch (error) {
      this.#options.log.warn('not removed by the collection', { kind, namespace, key, error });
    }
  }

  async #resolveCommits(signal: AbortSignal): Promise<void> {
    for (const [id, snapshotter] of this.snapshotters) {
      for (const { namespace, name } of pendingCommits(this.#db, id)) {
        const scope = scopeOf(namespace, { signal: within(resolveMs, signal) });
        await abortable(snapshotter.resolve(scope, name), scope.signal).catch((error: unknown) => {
          this.#options.log.warn('commit of a snapshot not resolved', { snapshotter: id, namespace, key: name, error });
        });
      }
    }
  }

  /** What keeps it without a reference, in words. */
  #usesOf(node: Node): string[] {
    if (node.kind === 'content') return this.#contentPins.pinned(node.key) ? ['being read or committed'] : [];
    if (!this.#inUse(node)) return [];
    return [node.kind === 'ingest' ? 'being written' : 'a snapshot is being made on it'];
  }

  #inUse({ kind, namespace, key }: Node): boolean {
    if (kind === 'ingest') return this.content.isOpen(namespace, key);
    if (!kind.startsWith('snapshot/')) return false;
    return this.#parents.get(kind.slice('snapshot/'.length))?.inUse(`${namespace}/${key}`) ?? false;
  }
}
