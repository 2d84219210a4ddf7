import { createHash, type Hash } from 'node:crypto';
import { Conveyor } from './conveyor.ts';
import type { HashJob, HashResult } from './unpack-messages.ts';

/** Hashes the uncompressed bytes beside the thread that makes files of them. Blocks its thread. `undefined` when it was cancelled. */
export function hashLayer(job: HashJob): HashResult | undefined {
  const conveyor = new Conveyor(job.shared);
  const hash = createHash('sha256');
  for (;;) {
    const bytes = conveyor.take('hash');
    if (bytes === undefined) break;
    hash.update(bytes);
    conveyor.giveBack('hash');
  }
  return conveyor.cancelled ? undefined : { digest: digestOf(hash) };
}

export const digestOf = (hash: Hash): string => `sha256:${hash.digest('hex')}`;
