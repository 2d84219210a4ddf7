import { createHash } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import type { Timestamp } from '#base/timestamp';
import { openDeflater } from '#sys/deflater';
import type { Compression } from '#sys/inflater';
import { LayerWriter } from './layer-writer.ts';
import { NeedsMount, type OverlayPair, overlayChanges } from './overlay-changes.ts';
import { type Change, treeChanges } from './tree-changes.ts';

export interface CompareJob {
  /** `undefined`: compare with nothing. */
  readonly lower: string | undefined;
  readonly upper: string;
  /** Set when `upper` is an overlay's upper directory, and `lower` shows what is below it. */
  readonly overlay?: OverlayPair;
  readonly compression: Compression | undefined;
  readonly latest: Timestamp | undefined;
}

export interface CompareResult {
  /** Of the uncompressed tar; `undefined` when nothing was written, because the overlay has to be mounted to be read. */
  readonly diffId: string | undefined;
}

/**
 * Writes what turns one tree into the other as a layer, compressed, in pieces that are valid only until `take` returns; false from `take`
 * stops it, and the result is `undefined`. Blocks its thread. @throws what the file system says
 */
export function compareTrees(job: CompareJob, take: (bytes: Uint8Array) => boolean): CompareResult | undefined {
  using files = new DisposableStack();
  const open = (path: string) => files.adopt(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY), closeSync);
  const lower = job.lower === undefined ? undefined : open(job.lower);
  const upper = open(job.upper);
  const changes = changesOf(job, lower, upper);
  if (changes === undefined) return { diffId: undefined };
  const deflater = job.compression === undefined ? undefined : files.use(openDeflater(job.compression));
  const hash = createHash('sha256');
  let wanted = true;
  const deliver = (bytes: Uint8Array) => {
    wanted &&= take(bytes);
  };
  const writer = files.use(
    new LayerWriter(upper, {
      latest: job.latest,
      take(bytes) {
        hash.update(bytes);
        if (deflater === undefined) deliver(bytes);
        else deflater.push(bytes, deliver);
      },
    }),
  );
  for (const change of changes) {
    writer.write(change);
    if (!wanted) return undefined;
  }
  writer.end();
  deflater?.end(deliver);
  return wanted ? { diffId: `sha256:${hash.digest('hex')}` } : undefined;
}

function changesOf(job: CompareJob, lower: number | undefined, upper: number): Iterable<Change> | undefined {
  if (job.overlay === undefined || lower === undefined) return treeChanges(lower, upper);
  try {
    // All of them before the first is written: only then is it known that they can be read.
    return [...overlayChanges(lower, upper, job.overlay)];
  } catch (thrown) {
    if (thrown instanceof NeedsMount) return undefined;
    throw thrown;
  }
}
