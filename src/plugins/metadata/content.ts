import { alreadyExists, isFault, notFound, wrap } from '#base/errors';
import { failpoint } from '#base/failpoints';
import { now, type Timestamp } from '#base/timestamp';
import type {
  BlobInfo,
  BlobReader,
  ContentStore,
  ContentWriter,
  IngestStatus,
  WriterOptions,
} from '#core/content/content';
import { blobFields, checkRef, ingestFields, refLocked } from '#core/content/content-rules';
import { letsGo } from '#core/gc/references';
import { changedLabels } from '#core/labels';
import type { Scope } from '#core/scope';
import { type Digest, parseDigest } from '#lib/digest';
import { parseFilters } from '#lib/filters/filter';
import { contentDeleted } from './announcements.ts';
import { findBlob, nextBlobs, putBlob, sharedSize } from './blob-rows.ts';
import { NamespacedWriter } from './content-writer.ts';
import type { MetaDatabase } from './database.ts';
import { abandonIngest, findIngest, type IngestRow, listIngests, openIngest } from './ingest-rows.ts';
import type { Pins } from './pins.ts';
import { doom, dropFromLeases, enterNamespace, holdInLease } from './space.ts';

export interface ContentOptions {
  readonly db: MetaDatabase;
  readonly backend: ContentStore;
  readonly policy: 'shared' | 'isolated';
  /** Digests that must not be removed from the backend. */
  readonly pins: Pins;
  /** Removes an ingest's bytes that the database has doomed. */
  reapIngest(backendRef: string): Promise<void>;
}

/** The content store as namespaces see it: rows in SQLite in front of a backend that has the files. */
export class NamespacedContent implements ContentStore {
  readonly #options: ContentOptions;
  readonly #db: MetaDatabase;
  readonly #open = new Map<string, { readonly since: Timestamp; writer?: NamespacedWriter }>();

  constructor(options: ContentOptions) {
    this.#options = options;
    this.#db = options.db;
  }

  async info(scope: Scope, digest: Digest): Promise<BlobInfo> {
    return this.#info(scope, digest);
  }

  update(scope: Scope, info: Pick<BlobInfo, 'digest' | 'labels'>, fields: readonly string[] = []): Promise<BlobInfo> {
    return this.#db.write((change) => {
      const current = this.#info(scope, info.digest);
      const changed = { ...current, labels: changedLabels(current.labels, info.labels, fields), updatedAt: now() };
      putBlob(this.#db, change, scope.namespace, changed);
      if (letsGo(current.labels, changed.labels)) change.deletion();
      return changed;
    });
  }

  async *walk(scope: Scope, filters: readonly string[] = []): AsyncIterable<BlobInfo> {
    const filter = parseFilters(filters);
    for (let after = ''; ; ) {
      const page = nextBlobs(this.#db, scope.namespace, after);
      for (const info of page) if (filter.match(blobFields(info))) yield info;
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.digest;
    }
  }

  delete(scope: Scope, digest: Digest): Promise<void> {
    return this.#db.write((change) => {
      this.#info(scope, digest);
      this.#db.run('DELETE FROM blobs WHERE ns = ? AND digest = ?', scope.namespace, digest);
      doom(this.#db, 'content', digest);
      dropFromLeases(this.#db, scope.namespace, { type: 'content', id: digest });
      change.deletion();
      contentDeleted(change, scope.namespace, digest);
    });
  }

  async open(scope: Scope, digest: Digest): Promise<BlobReader> {
    const pin = await this.#options.pins.pin(digest);
    try {
      this.#info(scope, digest);
      const reader = await this.#options.backend.open(scope, digest);
      return {
        size: reader.size,
        path: reader.path,
        read: (offset, length) => reader.read(offset, length),
        async [Symbol.asyncDispose]() {
          pin[Symbol.dispose]();
          await reader[Symbol.asyncDispose]();
        },
      };
    } catch (thrown) {
      pin[Symbol.dispose]();
      throw thrown;
    }
  }

  async status(scope: Scope, ref: string): Promise<IngestStatus> {
    const row = findIngest(this.#db, scope.namespace, ref);
    if (row === undefined) throw missingIngest(ref);
    return this.#status(scope, row);
  }

  async statuses(scope: Scope, filters: readonly string[] = []): Promise<readonly IngestStatus[]> {
    const filter = parseFilters(filters);
    const rows = listIngests(this.#db, scope.namespace).filter((row) => filter.match(ingestFields(row)));
    return await Promise.all(rows.map((row) => this.#status(scope, row)));
  }

  async writer(scope: Scope, ref: string, options: WriterOptions = {}): Promise<ContentWriter> {
    checkRef(ref);
    if (options.expected !== undefined) parseDigest(options.expected);
    const key = openKey(scope.namespace, ref);
    const holder = this.#open.get(key);
    if (holder !== undefined) throw refLocked(ref, holder.since);
    const lock: { readonly since: Timestamp; writer?: NamespacedWriter } = { since: now() };
    this.#open.set(key, lock);
    try {
      lock.writer = await this.#openWriter(scope, ref, options, () => void this.#open.delete(key));
      return lock.writer;
    } catch (thrown) {
      this.#open.delete(key);
      throw thrown;
    }
  }

  async abort(scope: Scope, ref: string): Promise<void> {
    const holder = this.#open.get(openKey(scope.namespace, ref));
    if (holder !== undefined) throw refLocked(ref, holder.since);
    const row = await this.#db.write((change) => {
      const found = findIngest(this.#db, scope.namespace, ref);
      if (found === undefined) throw missingIngest(ref);
      abandonIngest(this.#db, scope.namespace, found);
      change.deletion();
      return found;
    });
    await this.#options.reapIngest(row.backendRef);
  }

  /** Whether somebody is writing it: such an ingest is no garbage, however old. */
  isOpen(namespace: string, ref: string): boolean {
    return this.#open.has(openKey(namespace, ref));
  }

  async #openWriter(scope: Scope, ref: string, options: WriterOptions, release: () => void): Promise<NamespacedWriter> {
    const { expected } = options;
    const { namespace } = scope;
    const ingest = await this.#db.writeLazily((change) => {
      enterNamespace(this.#db, namespace);
      if (expected !== undefined && findBlob(this.#db, namespace, expected) !== undefined) {
        holdInLease(this.#db, scope, 'content', expected);
        change.touch({ kind: 'content', namespace, key: expected });
        return undefined;
      }
      holdInLease(this.#db, scope, 'ingests', ref);
      return openIngest(this.#db, change, scope, ref, options);
    });
    if (ingest === undefined) {
      await this.#db.flush();
      throw alreadyExists(`content ${expected}`);
    }
    const { row, isNew } = ingest;
    await failpoint?.('metadata.ingest.entered');
    const home = { ...this.#options, scope, row, release };
    const linked = expected === undefined ? undefined : sharedSize(this.#db, expected, this.#options.policy);
    if (linked !== undefined) return NamespacedWriter.linked(home, linked);
    try {
      return await NamespacedWriter.open(home, options);
    } catch (thrown) {
      if (isNew) await this.#db.writeLazily(() => abandonIngest(this.#db, namespace, row));
      throw thrown;
    }
  }

  async #status(scope: Scope, row: IngestRow): Promise<IngestStatus> {
    const writer = this.#open.get(openKey(scope.namespace, row.ref))?.writer;
    if (writer !== undefined) return writer.status();
    const { ref, total, expected, startedAt } = row;
    const known = { ref, total, startedAt, ...(expected !== undefined && { expected }) };
    try {
      const { offset, updatedAt } = await this.#options.backend.status(scope, row.backendRef);
      return { ...known, offset, updatedAt };
    } catch (thrown) {
      // Opened, but nothing has reached the backend.
      if (!isFault(thrown, 'not_found')) throw wrap(thrown, `ingest ref ${JSON.stringify(ref)}`);
      return { ...known, offset: 0, updatedAt: startedAt };
    }
  }

  #info(scope: Scope, digest: Digest): BlobInfo {
    const blob = findBlob(this.#db, scope.namespace, digest);
    if (blob === undefined) throw notFound(`content digest ${digest}`);
    return blob;
  }
}

const openKey = (namespace: string, ref: string): string => `${namespace}\n${ref}`;
const missingIngest = (ref: string): Error => notFound(`ingest ref ${JSON.stringify(ref)}`);
