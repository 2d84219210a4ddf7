import { alreadyExists, failedPrecondition, isFault } from '#base/errors';
import { failpoint } from '#base/failpoints';
import { now, type Timestamp } from '#base/timestamp';
import type { ContentStore, ContentWriter, IngestStatus, WriterOptions } from '#core/content/content';
import { checkCommit, checkTruncate } from '#core/content/content-rules';
import { type Labels, storedLabels } from '#core/labels';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';
import { contentCreated } from './announcements.ts';
import { findBlob, putBlob } from './blob-rows.ts';
import type { MetaDatabase } from './database.ts';
import { abandonIngest, forgetIngest, type IngestRow } from './ingest-rows.ts';
import type { Pins } from './pins.ts';
import { doom, enterNamespace, holdInLease, moveInLeases } from './space.ts';

const copyBytes = 1 << 20;

/** What a writer needs of its store. */
export interface WriterHome {
  readonly db: MetaDatabase;
  readonly backend: ContentStore;
  readonly pins: Pins;
  readonly scope: Scope;
  readonly row: IngestRow;
  /** Gives the ref free. */
  release(): void;
}

/**
 * An ingest of one namespace. It writes through to an ingest of the backend, or is `linked`: the bytes are there already, as another
 * namespace's blob, and only a commit is wanted. A linked one that is written to or cut becomes an ordinary one, with a copy.
 */
export class NamespacedWriter implements ContentWriter {
  readonly #home: WriterHome;
  readonly #linkedSize: number;
  readonly #openedAt: Timestamp = now();
  #inner: ContentWriter | undefined;
  #open = true;

  private constructor(home: WriterHome, inner: ContentWriter | undefined, linkedSize: number) {
    this.#home = home;
    this.#inner = inner;
    this.#linkedSize = linkedSize;
  }

  static async open(home: WriterHome, options: WriterOptions): Promise<NamespacedWriter> {
    return new NamespacedWriter(home, await openBackend(home, options), 0);
  }

  /** The row's `expected` names the blob. */
  static linked(home: WriterHome, size: number): NamespacedWriter {
    return new NamespacedWriter(home, undefined, size);
  }

  get path(): string | undefined {
    return this.#inner?.path;
  }

  status(): IngestStatus {
    const { ref, total, expected, startedAt } = this.#home.row;
    const inner = this.#inner?.status();
    return {
      ref,
      offset: inner?.offset ?? this.#linkedSize,
      total: total > 0 ? total : (inner?.total ?? this.#linkedSize),
      startedAt,
      updatedAt: inner?.updatedAt ?? this.#openedAt,
      ...(expected !== undefined && { expected }),
    };
  }

  digest(): Digest {
    return this.#inner?.digest() ?? this.#linkedDigest();
  }

  async write(data: Uint8Array): Promise<void> {
    this.#requireOpen();
    this.#inner ??= await this.#copy(this.#linkedSize);
    await this.#inner.write(data);
  }

  async truncate(size: number): Promise<void> {
    this.#requireOpen();
    if (this.#inner !== undefined) return await this.#inner.truncate(size);
    checkTruncate(size, this.#linkedSize);
    if (size < this.#linkedSize) this.#inner = await this.#copy(size);
  }

  async commit(size: number, expected: Digest | undefined, labels: Labels = {}): Promise<Digest> {
    this.#requireOpen();
    const kept = storedLabels(labels);
    const { db, pins, row, scope } = this.#home;
    const wanted = expected ?? this.digest();
    // From here until the row is there, no collection may take the file away.
    using _ = await pins.pin(wanted);
    const { digest, size: found } = await this.#commitBytes(size, expected);
    try {
      await failpoint?.('metadata.content.stored');
      const isNew = await db.write((change) => {
        enterNamespace(db, scope.namespace);
        const exists = findBlob(db, scope.namespace, digest) !== undefined;
        if (!exists) {
          const at = now();
          const blob = { digest, size: found, labels: kept, createdAt: at, updatedAt: at };
          putBlob(db, change, scope.namespace, blob);
          contentCreated(change, scope.namespace, blob);
        }
        holdInLease(db, scope, 'content', digest);
        moveInLeases(db, scope.namespace, { type: 'ingests', id: row.ref }, { type: 'content', id: digest });
        // A linked one may have left bytes in the backend before it found its blob there.
        if (this.#inner === undefined) abandonIngest(db, scope.namespace, row);
        else forgetIngest(db, scope.namespace, row.ref);
        change.touch({ kind: 'content', namespace: scope.namespace, key: digest });
        return !exists;
      });
      if (!isNew) throw alreadyExists(`content ${digest}`);
      return digest;
    } catch (thrown) {
      // The lease may have gone meanwhile: the file has no row then.
      if (!isFault(thrown, 'already_exists')) await db.writeLazily(() => doom(db, 'content', digest));
      throw thrown;
    } finally {
      await this.#end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) await this.#end();
  }

  async #end(): Promise<void> {
    this.#open = false;
    try {
      await this.#inner?.[Symbol.asyncDispose]();
    } finally {
      this.#home.release();
    }
  }

  /** Sees to it that the backend has the blob, and tells what it is. */
  async #commitBytes(
    size: number,
    expected: Digest | undefined,
  ): Promise<{ readonly digest: Digest; readonly size: number }> {
    const { ref } = this.#home.row;
    if (this.#inner === undefined) {
      const found = { size: this.#linkedSize, digest: this.#linkedDigest() };
      checkCommit(ref, { size, digest: expected }, found);
      return found;
    }
    const { offset } = this.#inner.status();
    const digest = expected ?? this.#inner.digest();
    try {
      await this.#inner.commit(size, expected);
    } catch (thrown) {
      if (!isFault(thrown, 'already_exists')) throw thrown;
      // Another namespace was faster. The backend has checked the bytes, and the pin keeps its blob.
    }
    return { digest, size: offset };
  }

  #linkedDigest(): Digest {
    const { expected, ref } = this.#home.row;
    if (expected === undefined) throw failedPrecondition(`ingest ${ref}: linked to no blob`);
    return expected;
  }

  /** An ordinary ingest that begins with the first `size` bytes of the linked blob. */
  async #copy(size: number): Promise<ContentWriter> {
    const { backend, scope, pins } = this.#home;
    const digest = this.#linkedDigest();
    const writer = await openBackend(this.#home, {});
    try {
      await writer.truncate(0);
      if (size > 0) {
        using _ = await pins.pin(digest);
        await using reader = await backend.open(scope, digest);
        for (let at = 0; at < size; at += copyBytes) {
          await writer.write(await reader.read(at, Math.min(copyBytes, size - at)));
        }
      }
      return writer;
    } catch (thrown) {
      await writer[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  #requireOpen(): void {
    if (!this.#open) throw failedPrecondition(`ingest ${this.#home.row.ref}: writer is closed`);
  }
}

/** The backend's ingest. The backend may have a blob that this namespace may not know of: then its bytes are to be sent all the same. */
async function openBackend({ backend, scope, row }: WriterHome, options: WriterOptions): Promise<ContentWriter> {
  try {
    return await backend.writer(scope, row.backendRef, options);
  } catch (thrown) {
    if (!isFault(thrown, 'already_exists')) throw thrown;
    const { expected: _, ...rest } = options;
    return await backend.writer(scope, row.backendRef, rest);
  }
}
