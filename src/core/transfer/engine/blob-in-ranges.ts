import type { Descriptor } from '#core/descriptor';
import type { Limiter } from '#core/transfer/limiter';
import { inRanges, type RangeSource, RangesIgnored } from '#lib/registry/blob-ranges';
import type { Repository } from '#lib/registry/repository';

export interface RangedFetch {
  readonly signal: AbortSignal;
  readonly chunkBytes: number;
  /** Further requests take places of these while there are some. */
  readonly downloads: Limiter;
}

/** By several requests at once where the registry can; otherwise by one. */
export async function* blobInRanges(
  repository: Repository,
  descriptor: Descriptor,
  offset: number,
  { signal, chunkBytes, downloads }: RangedFetch,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = offset;
  const enter = () => downloads.tryEnter();
  const source: RangeSource = (from, until, within) => repository.blob(descriptor, from, within, until);
  try {
    for await (const bytes of inRanges(source, { offset, size: descriptor.size, chunkBytes, enter, signal })) {
      at += bytes.length;
      yield bytes;
    }
  } catch (error) {
    if (!(error instanceof RangesIgnored)) throw error;
    yield* repository.blob(descriptor, at, signal);
  }
}
