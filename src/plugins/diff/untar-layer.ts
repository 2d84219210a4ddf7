import { TarReader } from '#lib/tar/reader';
import { Conveyor } from './conveyor.ts';
import { LayerExtractor } from './layer-extractor.ts';
import type { UntarJob, UntarResult } from './unpack-messages.ts';

/**
 * Takes uncompressed bytes and makes files of them. Blocks its thread. `undefined` when it was cancelled.
 * @throws invalid_argument or data_loss for a bad archive; resource_exhausted; what the file system says
 */
export function untarLayer(job: UntarJob): UntarResult | undefined {
  const conveyor = new Conveyor(job.shared);
  using extractor = new LayerExtractor(job);
  const reader = new TarReader(extractor);
  for (;;) {
    const bytes = conveyor.take('untar');
    if (bytes === undefined) break;
    // After the end of the archive the rest is still taken, because it counts for the digest.
    reader.push(bytes);
    conveyor.giveBack('untar');
  }
  if (conveyor.cancelled) return undefined;
  reader.finish();
  return extractor.finish();
}
