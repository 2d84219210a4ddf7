import { failedPrecondition, invalidArgument, outOfRange, unavailable } from '#base/errors';
import { formatTimestamp, now, type Timestamp, toMillis } from '#base/timestamp';
import type { Digest } from '#lib/digest';
import { type Adaptor, absent, field, mapField } from '#lib/filters/filter';
import type { BlobInfo, IngestStatus } from './content.ts';

/** A blob as filters see it. */
export const blobFields =
  (blob: BlobInfo): Adaptor =>
  ([head, ...rest]) => {
    if (head === 'digest') return field(blob.digest);
    if (head === 'size') return field(String(blob.size));
    return head === 'labels' ? mapField(rest, blob.labels) : absent;
  };

/** An ingest as filters see it. */
export const ingestFields =
  (status: Pick<IngestStatus, 'ref'>): Adaptor =>
  ([head]) =>
    head === 'ref' ? field(status.ref) : absent;

/** @throws invalid_argument */
export function checkRef(ref: string): void {
  if (ref === '') throw invalidArgument('ref must not be empty');
}

/** What the second writer of a ref is told; Go clients wait and retry on its class. */
export const refLocked = (ref: string, since: Timestamp): Error =>
  unavailable(
    `ref ${ref} locked for ${((toMillis(now()) - toMillis(since)) / 1000).toFixed(3)}s (since ${formatTimestamp(since)})`,
  );

/** @throws failed_precondition unless what was written is what was wanted. */
export function checkCommit(
  ref: string,
  wanted: { readonly size: number; readonly digest: Digest | undefined },
  found: { readonly size: number; readonly digest: Digest },
): void {
  if (wanted.size > 0 && wanted.size !== found.size) {
    throw failedPrecondition(`${JSON.stringify(ref)} failed size validation: ${found.size} != ${wanted.size}`);
  }
  if (wanted.digest !== undefined && wanted.digest !== found.digest) {
    throw failedPrecondition(`unexpected commit digest ${found.digest}, expected ${wanted.digest}`);
  }
}

/** @throws out_of_range */
export function checkTruncate(size: number, offset: number): void {
  if (!Number.isSafeInteger(size) || size < 0 || size > offset) {
    throw outOfRange(`cannot cut an ingest of ${offset} bytes to ${size}`);
  }
}
