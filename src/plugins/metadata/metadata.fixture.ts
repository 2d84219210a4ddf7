import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Any } from '#base/any';
import { silent } from '#base/log';
import type { ContentStore } from '#core/content/content';
import { memoryContent } from '#core/content/memory';
import type { Pace } from '#core/gc/slices';
import type { Metadata } from '#core/metadata';
import { scopeOf } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import { openMetadata } from './open-metadata.ts';

export interface Published {
  readonly namespace: string;
  readonly topic: string;
  readonly event: Any;
}

export interface TestMetadata extends AsyncDisposable {
  readonly metadata: Metadata & AsyncDisposable;
  readonly path: string;
  readonly published: Published[];
  /** Closes and opens again, as a daemon does that starts anew. */
  reopen(): Promise<void>;
}

export interface TestMetadataOptions {
  readonly content?: ContentStore;
  readonly snapshotters?: ReadonlyMap<string, Snapshotter>;
  readonly policy?: 'shared' | 'isolated';
  readonly now?: () => number;
  readonly pace?: Pace;
  readonly patienceMs?: number;
  readonly durable?: boolean;
}

/** The metadata layer over backends in memory (or the given ones), in a directory of its own. */
export async function openTestMetadata(options: TestMetadataOptions = {}): Promise<TestMetadata> {
  const dir = mkdtempSync('/dev/shm/berth-meta-');
  const path = join(dir, 'meta.sqlite');
  const published: Published[] = [];
  const backends = {
    content: options.content ?? asBackend(memoryContent()),
    snapshotters: options.snapshotters ?? new Map<string, Snapshotter>(),
  };
  const open = () =>
    openMetadata(path, {
      ...backends,
      log: silent,
      policy: options.policy ?? 'shared',
      events: { publish: async (namespace, topic, event) => void published.push({ namespace, topic, event }) },
      ...(options.now !== undefined && { now: options.now }),
      ...(options.pace !== undefined && { pace: options.pace }),
      ...(options.durable !== undefined && { durable: options.durable }),
      ...(options.patienceMs !== undefined && { patienceMs: options.patienceMs }),
    });
  let metadata = await open();
  return {
    get metadata() {
      return metadata;
    },
    path,
    published,
    async reopen() {
      await metadata[Symbol.asyncDispose]();
      metadata = await open();
    },
    async [Symbol.asyncDispose]() {
      await metadata[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A store without regard for namespaces, as a backend is. */
export function asBackend(store: ContentStore): ContentStore {
  const one = scopeOf('backend');
  return {
    info: (_, digest) => store.info(one, digest),
    update: (_, info, fields) => store.update(one, info, fields),
    walk: (_, filters) => store.walk(one, filters),
    delete: (_, digest) => store.delete(one, digest),
    open: (_, digest) => store.open(one, digest),
    status: (_, ref) => store.status(one, ref),
    statuses: (_, filters) => store.statuses(one, filters),
    writer: (_, ref, options) => store.writer(one, ref, options),
    abort: (_, ref) => store.abort(one, ref),
  };
}
