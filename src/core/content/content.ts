import type { Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';
import { slot } from '#core/plugin/slot';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';

/**
 * Content-addressed bytes: blobs that never change, and ingests that are on their way to become blobs.
 *
 * Everything is seen through the scope's namespace: a blob that only another namespace has is `not_found`. A backend store
 * (the one that holds the files) ignores the namespace and the lease; the metadata layer in front of it gives them meaning.
 * What `commit` acknowledged survives a power cut.
 */
export interface ContentStore {
  /** @throws not_found */
  info(scope: Scope, digest: Digest): Promise<BlobInfo>;

  /**
   * Changes labels. `fields` holds `labels` or `labels.<key>`; without fields all labels are replaced. An empty value deletes its key.
   * @throws not_found; invalid_argument for another field or a label over 4096 bytes
   */
  update(scope: Scope, info: Pick<BlobInfo, 'digest' | 'labels'>, fields?: readonly string[]): Promise<BlobInfo>;

  /** Blobs that match any of the filters (`digest`, `size`, `labels.*`); all without filters. Holds no lock between items. */
  walk(scope: Scope, filters?: readonly string[]): AsyncIterable<BlobInfo>;

  /** Takes the blob out of this namespace; the bytes go when nothing else has it. @throws not_found */
  delete(scope: Scope, digest: Digest): Promise<void>;

  /** Opens a blob for reading at any offset. Close it. @throws not_found */
  open(scope: Scope, digest: Digest): Promise<BlobReader>;

  /** @throws not_found */
  status(scope: Scope, ref: string): Promise<IngestStatus>;

  /** Ingests of this namespace that match any of the filters (`ref`). */
  statuses(scope: Scope, filters?: readonly string[]): Promise<readonly IngestStatus[]>;

  /**
   * Opens the ingest `ref`, new or as it was left: `offset` tells what is there already. Exactly one writer holds a ref.
   * With `expected`, a blob that this namespace has already is `already_exists` (and is added to the scope's lease). Where the
   * sharing policy allows, a blob that only others have gives a writer that needs no bytes: offset = size, `commit` links it.
   * @throws unavailable while another writer holds the ref (`ref X locked for …`); already_exists; invalid_argument for an empty ref
   */
  writer(scope: Scope, ref: string, options?: WriterOptions): Promise<ContentWriter>;

  /** Forgets an ingest and its bytes. @throws not_found; unavailable while a writer holds it */
  abort(scope: Scope, ref: string): Promise<void>;
}
export const ContentStore = slot<ContentStore>('io.containerd.content.v1');

export interface BlobInfo {
  readonly digest: Digest;
  readonly size: number;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
  readonly labels: Labels;
}

export interface BlobReader extends AsyncDisposable {
  readonly size: number;
  /**
   * The blob's file, where the store keeps it in one on this machine: a worker may read it by itself while the reader is open.
   * `undefined` for remote stores.
   */
  readonly path: string | undefined;
  /** Up to `length` bytes from `offset`; fewer only at the end; an empty array at and past the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface IngestStatus {
  readonly ref: string;
  /** Bytes that are there. */
  readonly offset: number;
  /** Bytes expected in all; 0 when nobody said. */
  readonly total: number;
  readonly expected?: Digest;
  readonly startedAt: Timestamp;
  readonly updatedAt: Timestamp;
}

export interface WriterOptions {
  /** Size of the finished blob; 0 or absent when unknown. */
  readonly total?: number;
  readonly expected?: Digest;
}

/** Disposing keeps the ingest for a later resume and releases the ref. Calls on one writer do not overlap. */
export interface ContentWriter extends AsyncDisposable {
  /** The ingest's file, where the store has one here: it only grows, so a worker may follow it. `undefined` for remote stores. */
  readonly path: string | undefined;
  status(): IngestStatus;
  /** The digest of what was written so far. Costs a hash state's copy, not a read. */
  digest(): Digest;
  /** Appends. The bytes are copied or written when the promise settles. @throws data_loss on a short write; resource_exhausted on a full disk */
  write(data: Uint8Array): Promise<void>;
  /** Cuts the ingest to `size` (0, or at most the offset; other sizes than 0 rehash). @throws out_of_range; not_implemented for those others in a daemon */
  truncate(size: number): Promise<void>;
  /**
   * Makes the ingest a blob, durably, and ends the writer. `size` 0 and an absent `expected` are not checked.
   * @throws failed_precondition when size or digest differ (the ingest stays); already_exists when the blob is there (the ingest goes)
   */
  commit(size: number, expected: Digest | undefined, labels?: Labels): Promise<Digest>;
}
