import { Database } from 'bun:sqlite';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failedPrecondition } from '#base/errors';
import { checkDatabase } from '#core/check/check-database';
import type { CheckedMetadata, CheckPlace } from '#core/check/store-check';
import { migrate, schemaVersion } from '../schema.ts';
import { checkRows } from './check-rows.ts';
import { CheckedRows } from './checked-rows.ts';

/**
 * Looks at the tables alone; what backends must have is asked of the result.
 *
 * @throws failed_precondition when a newer program has made them, or an older one and nothing may be changed
 */
export async function checkMetadata({ rootDir, report }: CheckPlace<unknown>): Promise<CheckedMetadata | undefined> {
  const path = join(rootDir, 'meta.sqlite');
  if (!existsSync(path)) return undefined;
  const db = new Database(path, report.repair ? { readwrite: true, create: false } : { readonly: true });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => db.close());
  const all = (sql: string) => db.query(sql).all();
  if (!(await checkDatabase({ path, table: 'namespaces', all, run: (sql) => void db.run(sql) }, report)))
    return undefined;
  if (report.repair) {
    db.run('PRAGMA synchronous=FULL');
    migrate(db);
  } else if (versionOf(db) !== schemaVersion) {
    throw failedPrecondition(
      `${path} has version ${versionOf(db)}, this program knows ${schemaVersion}: start the daemon once`,
    );
  }
  await checkRows(db, report);
  cleanup.move();
  return new CheckedRows(db, report);
}

function versionOf(db: Database): number {
  return (db.query('PRAGMA user_version').get() as { readonly user_version: number }).user_version;
}
