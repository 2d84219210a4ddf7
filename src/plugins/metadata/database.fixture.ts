import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import type { Events } from '#core/events/events';
import { MetaDatabase } from './database.ts';

/** A database of its own in memory-backed files, gone when disposed. */
export async function openTestDatabase(
  events?: Pick<Events, 'publish'>,
): Promise<AsyncDisposable & { readonly db: MetaDatabase; readonly path: string; readonly dir: string }> {
  const dir = mkdtempSync('/dev/shm/berth-meta-');
  const path = join(dir, 'meta.sqlite');
  const db = await MetaDatabase.open(path, { log: silent, ...(events !== undefined && { events }) });
  return {
    db,
    path,
    dir,
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
