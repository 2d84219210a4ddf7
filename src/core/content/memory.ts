import { alreadyExists, failedPrecondition, notFound } from '#base/errors';
import { now } from '#base/timestamp';
import { changedLabels, type Labels, storedLabels } from '#core/labels';
import type { Scope } from '#core/scope';
import { type Algorithm, algorithmOf, type Digest, digestOf } from '#lib/digest';
import { parseFilters } from '#lib/filters/filter';
import type { BlobInfo, BlobReader, ContentStore, ContentWriter, IngestStatus, WriterOptions } from './content.ts';
import { blobFields, checkCommit, checkRef, checkTruncate, ingestFields, refLocked } from './content-rules.ts';

interface Blob {
  readonly info: BlobInfo;
  readonly bytes: Uint8Array;
}

interface Ingest {
  status: IngestStatus;
  bytes: Uint8Array;
  locked: boolean;
}

/** Content that is forgotten with the process and shares nothing between namespaces: for tests and tools. */
export function memoryContent(): ContentStore {
  const spaces = new Map<string, MemorySpace>();
  const within = (scope: Scope) =>
    spaces.get(scope.namespace) ?? spaces.set(scope.namespace, new MemorySpace()).get(scope.namespace)!;
  return {
    info: async (scope, digest) => within(scope).blob(digest).info,
    async update(scope, info, fields = []) {
      const { info: old, bytes } = within(scope).blob(info.digest);
      const changed = { ...old, labels: changedLabels(old.labels, info.labels, fields), updatedAt: now() };
      within(scope).blobs.set(info.digest, { info: changed, bytes });
      return changed;
    },
    async *walk(scope, filters = []) {
      const filter = parseFilters(filters);
      for (const { info } of [...within(scope).blobs.values()]) if (filter.match(blobFields(info))) yield info;
    },
    async delete(scope, digest) {
      within(scope).blob(digest);
      within(scope).blobs.delete(digest);
    },
    open: async (scope, digest) => readerOf(within(scope).blob(digest).bytes),
    status: async (scope, ref) => within(scope).ingest(ref).status,
    async statuses(scope, filters = []) {
      const filter = parseFilters(filters);
      return [...within(scope).ingests.values()]
        .map(({ status }) => status)
        .filter((status) => filter.match(ingestFields(status)));
    },
    writer: async (scope, ref, options = {}) => within(scope).openWriter(ref, options),
    async abort(scope, ref) {
      const ingest = within(scope).ingest(ref);
      if (ingest.locked) throw refLocked(ref, ingest.status.startedAt);
      within(scope).ingests.delete(ref);
    },
  };
}

class MemorySpace {
  readonly blobs = new Map<Digest, Blob>();
  readonly ingests = new Map<string, Ingest>();

  blob(digest: Digest): Blob {
    const blob = this.blobs.get(digest);
    if (blob === undefined) throw notFound(`content ${digest}`);
    return blob;
  }

  ingest(ref: string): Ingest {
    const ingest = this.ingests.get(ref);
    if (ingest === undefined) throw notFound(`ingest ref ${JSON.stringify(ref)}`);
    return ingest;
  }

  openWriter(ref: string, { total = 0, expected }: WriterOptions): ContentWriter {
    checkRef(ref);
    if (expected !== undefined && this.blobs.has(expected)) throw alreadyExists(`content ${expected}`);
    const at = now();
    const ingest: Ingest = this.ingests.get(ref) ?? {
      status: { ref, offset: 0, total, startedAt: at, updatedAt: at, ...(expected !== undefined && { expected }) },
      bytes: new Uint8Array(),
      locked: false,
    };
    if (ingest.locked) throw refLocked(ref, ingest.status.startedAt);
    ingest.locked = true;
    this.ingests.set(ref, ingest);
    return new MemoryWriter(this, ingest, expected === undefined ? 'sha256' : algorithmOf(expected));
  }
}

class MemoryWriter implements ContentWriter {
  readonly path = undefined;
  readonly #space: MemorySpace;
  readonly #ingest: Ingest;
  readonly #algorithm: Algorithm;
  #open = true;

  constructor(space: MemorySpace, ingest: Ingest, algorithm: Algorithm) {
    this.#space = space;
    this.#ingest = ingest;
    this.#algorithm = algorithm;
  }

  status(): IngestStatus {
    return this.#ingest.status;
  }

  digest(): Digest {
    return digestOf(this.#ingest.bytes, this.#algorithm);
  }

  async write(data: Uint8Array): Promise<void> {
    this.#set(Buffer.concat([this.#ingest.bytes, data]));
  }

  async truncate(size: number): Promise<void> {
    checkTruncate(size, this.#ingest.bytes.length);
    this.#set(this.#ingest.bytes.slice(0, size));
  }

  async commit(size: number, expected: Digest | undefined, labels: Labels = {}): Promise<Digest> {
    const { bytes, status } = this.#ingest;
    this.#requireOpen();
    const kept = storedLabels(labels);
    const digest = digestOf(bytes, expected === undefined ? this.#algorithm : algorithmOf(expected));
    checkCommit(status.ref, { size, digest: expected }, { size: bytes.length, digest });
    this.#space.ingests.delete(status.ref);
    this.#open = false;
    if (this.#space.blobs.has(digest)) throw alreadyExists(`content ${digest}`);
    const at = now();
    const info = { digest, size: bytes.length, createdAt: at, updatedAt: at, labels: kept };
    this.#space.blobs.set(digest, { info, bytes });
    return digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) this.#ingest.locked = false;
    this.#open = false;
  }

  #set(bytes: Uint8Array): void {
    this.#requireOpen();
    this.#ingest.bytes = bytes;
    this.#ingest.status = { ...this.#ingest.status, offset: bytes.length, updatedAt: now() };
  }

  #requireOpen(): void {
    if (!this.#open) throw failedPrecondition('writer is closed');
  }
}

const readerOf = (bytes: Uint8Array): BlobReader => ({
  size: bytes.length,
  path: undefined,
  read: async (offset, length) => bytes.slice(offset, offset + length),
  [Symbol.asyncDispose]: async () => {},
});
