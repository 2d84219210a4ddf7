import type { Report } from './findings.ts';

/** A database as its owner has opened it. */
export interface OpenDatabase {
  readonly path: string;
  /** One that must be in it. */
  readonly table: string;
  all(sql: string): unknown[];
  run(sql: string): void;
}

/** Whether SQLite finds the file whole, or could make it so. Reads all of it. */
export async function checkDatabase({ path, table, all, run }: OpenDatabase, report: Report): Promise<boolean> {
  let problems: string[];
  try {
    problems = integrity(all);
    if (problems.length === 0) {
      const tables = all(`SELECT name FROM sqlite_master WHERE type = 'table'`) as { readonly name: string }[];
      if (!tables.some(({ name }) => name === table)) problems.push(`it has no table ${table}`);
    }
  } catch (thrown) {
    problems = [thrown instanceof Error ? thrown.message : String(thrown)];
  }
  if (problems.length === 0) return true;
  const detail = problems.slice(0, 5).join('; ');
  if (!problems.every((problem) => concernsIndex(problem, all))) {
    await report.add('database-damaged', path, detail);
    return false;
  }
  // What the tables say can be read all the same.
  await report.add('index-damaged', path, detail, {
    does: 'make the indexes again',
    run() {
      run('REINDEX');
      const [left] = integrity(all);
      if (left !== undefined) throw new Error(`still damaged: ${left}`);
    },
  });
  return true;
}

/** Whether SQLite names an index, or the first page of one. */
function concernsIndex(problem: string, all: OpenDatabase['all']): boolean {
  const [, page] = /\bTree (\d+)\b/.exec(problem) ?? /\bpage (\d+)\b/i.exec(problem) ?? [];
  if (page === undefined) return /\bindex\b/.test(problem);
  return all(`SELECT 1 FROM sqlite_master WHERE type = 'index' AND rootpage = ${page}`).length > 0;
}

function integrity(all: OpenDatabase['all']): string[] {
  const rows = all('PRAGMA integrity_check') as { readonly integrity_check: string }[];
  const lines = rows.flatMap(({ integrity_check }) => integrity_check.split('\n'));
  return lines.filter((line) => line !== 'ok' && !line.startsWith('***'));
}
