import type { Database } from 'bun:sqlite';
import type { Report } from '#core/check/findings';
import { gcFlags } from '#core/gc/references';
import type { Labels } from '#core/labels';
import { isDigest } from '#lib/digest';

/** What an ingest is called in the content store. */
const backendName = /^[^/]+\/\d+\/./;

type Cell = string | number | null;
type Row = Readonly<Record<string, Cell>>;

/** Tables with labels, and what tells their rows apart. */
const labelled: Readonly<Record<string, readonly string[]>> = {
  namespaces: ['name'],
  images: ['ns', 'name'],
  containers: ['ns', 'id'],
  blobs: ['ns', 'digest'],
  snapshots: ['ns', 'snapshotter', 'name'],
  leases: ['ns', 'id'],
  sandboxes: ['ns', 'id'],
};
const withFlags = ['blobs', 'snapshots'];
const namespaced = ['images', 'containers', 'blobs', 'ingests', 'snapshots', 'leases', 'sandboxes'];

/** What the tables promise of themselves. */
export async function checkRows(db: Database, report: Report): Promise<void> {
  await checkLabels(db, report);
  await checkImages(db, report);
  await checkBlobRows(db, report);
  await checkRecords(db, report);
  await checkIngestRows(db, report);
  await checkCommits(db, report);
  await checkNamespaces(db, report);
  await checkLeases(db, report);
  await checkSequence(db, report);
}

/** Before anything else reads labels. */
async function checkLabels(db: Database, report: Report): Promise<void> {
  for (const [table, key] of Object.entries(labelled)) {
    const flags = withFlags.includes(table) ? ', gc' : '';
    for (const row of rows(db, `SELECT ${key.join(', ')}, labels${flags} FROM ${table}`)) {
      const where = `WHERE ${key.map((column) => `${column} = ?`).join(' AND ')}`;
      const values = key.map((column) => row[column] ?? '');
      const subject = `${table} ${values.join(' ')}`;
      const labels = readLabels(row.labels);
      if (labels === undefined) {
        await report.add('row-malformed', subject, `its labels are ${JSON.stringify(row.labels)}`, {
          does: 'leave it without labels: what it referred to by them may be collected',
          run: () => change(db, `UPDATE ${table} SET labels = '{}'${flags && ', gc = 0'} ${where}`, values),
        });
        continue;
      }
      if (flags === '' || row.gc === gcFlags(labels)) continue;
      await report.add('flags-wrong', subject, `${row.gc} instead of ${gcFlags(labels)}`, {
        does: 'write them anew',
        run: () => change(db, `UPDATE ${table} SET gc = ? ${where}`, [gcFlags(labels), ...values]),
      });
    }
  }
}

async function checkImages(db: Database, report: Report): Promise<void> {
  for (const { ns = '', name = '', digest, target } of rows(db, 'SELECT ns, name, digest, target FROM images')) {
    const subject = `image ${name} (${ns})`;
    const described = readTarget(target);
    if (described === undefined) {
      await report.add('row-malformed', subject, `its target is ${JSON.stringify(target)}`, {
        does: 'remove the image: to be pulled again',
        run: () => change(db, 'DELETE FROM images WHERE ns = ? AND name = ?', [ns, name]),
      });
    } else if (described !== digest) {
      await report.add('image-digest-differs', subject, `${digest} instead of ${described}`, {
        does: "take the target's",
        run: () => change(db, 'UPDATE images SET digest = ? WHERE ns = ? AND name = ?', [described, ns, name]),
      });
    }
  }
}

/** A size is compared with the file's. */
async function checkBlobRows(db: Database, report: Report): Promise<void> {
  for (const { ns = '', digest = '' } of rows(db, 'SELECT ns, digest FROM blobs')) {
    if (isDigest(String(digest))) continue;
    await report.add('row-malformed', `blob ${digest} (${ns})`, 'it has no digest', {
      does: 'forget it',
      run: () => change(db, 'DELETE FROM blobs WHERE ns = ? AND digest = ?', [ns, digest]),
    });
  }
}

/** What containers and sandboxes carry for others. */
async function checkRecords(db: Database, report: Report): Promise<void> {
  for (const table of ['containers', 'sandboxes']) {
    for (const { ns = '', id = '', extensions } of rows(db, `SELECT ns, id, extensions FROM ${table}`)) {
      if (areExtensions(extensions)) continue;
      await report.add('row-malformed', `${table} ${ns} ${id}`, `its extensions are ${JSON.stringify(extensions)}`, {
        does: 'leave it without extensions',
        run: () => change(db, `UPDATE ${table} SET extensions = '{}' WHERE ns = ? AND id = ?`, [ns, id]),
      });
    }
  }
}

async function checkIngestRows(db: Database, report: Report): Promise<void> {
  const names = new Set<Cell>();
  for (const { ns = '', ref = '', backend_ref = '', expected = null } of rows(db, 'SELECT * FROM ingests')) {
    const fault =
      !backendName.test(String(backend_ref)) || names.has(backend_ref)
        ? `its name in the content store is ${JSON.stringify(backend_ref)}`
        : expected !== null && !isDigest(String(expected))
          ? `it waits for ${JSON.stringify(expected)}`
          : undefined;
    names.add(backend_ref);
    if (fault === undefined) continue;
    await report.add('row-malformed', `ingest ${ref} (${ns})`, fault, {
      does: 'forget it: to be begun anew',
      run: () => change(db, 'DELETE FROM ingests WHERE ns = ? AND ref = ?', [ns, ref]),
    });
  }
}

async function checkCommits(db: Database, report: Report): Promise<void> {
  const pending = rows(db, 'SELECT ns, snapshotter, name, committing FROM snapshots WHERE committing IS NOT NULL');
  for (const { ns = '', snapshotter = '', name = '', committing } of pending) {
    const {
      backendKey,
      labels,
      parent,
      name: wanted,
    } = (parsed(committing) ?? {}) as Readonly<Record<string, unknown>>;
    const isWhole = [backendKey, parent, wanted].every((each) => typeof each === 'string');
    if (isWhole && readLabels(JSON.stringify(labels)) !== undefined) continue;
    await report.add('row-malformed', `${snapshotter} ${name} (${ns})`, `a commit to ${JSON.stringify(committing)}`, {
      does: 'give the commit up',
      run: () =>
        change(db, 'UPDATE snapshots SET committing = NULL WHERE ns = ? AND snapshotter = ? AND name = ?', [
          ...[ns, snapshotter, name],
        ]),
    });
  }
}

async function checkNamespaces(db: Database, report: Report): Promise<void> {
  const union = namespaced.map((table) => `SELECT ns FROM ${table}`).join(' UNION ');
  const missing = `SELECT ns FROM (${union}) WHERE ns NOT IN (SELECT name FROM namespaces)`;
  for (const { ns = '' } of rows(db, missing)) {
    await report.add('namespace-missing', `namespace ${ns}`, 'objects are in it', {
      does: 'make it, without labels',
      run: () => change(db, `INSERT INTO namespaces (name, labels) VALUES (?, '{}')`, [ns]),
    });
  }
}

async function checkLeases(db: Database, report: Report): Promise<void> {
  const orphans = `SELECT DISTINCT ns, lease FROM lease_resources AS held
    WHERE NOT EXISTS (SELECT 1 FROM leases WHERE leases.ns = held.ns AND leases.id = held.lease)`;
  for (const { ns = '', lease = '' } of rows(db, orphans)) {
    await report.add('lease-missing', `lease ${lease} (${ns})`, 'it holds resources and has no row', {
      does: 'let them go: what nothing else refers to may be collected',
      run: () => change(db, 'DELETE FROM lease_resources WHERE ns = ? AND lease = ?', [ns, lease]),
    });
  }
}

/** Names in backends are `<namespace>/<n>/…`; the next n must be a new one. */
async function checkSequence(db: Database, report: Report): Promise<void> {
  const names = 'SELECT backend_ref AS name FROM ingests UNION ALL SELECT backend_key FROM snapshots';
  let highest = 0;
  for (const { name } of rows(db, names))
    highest = Math.max(highest, Number(/^[^/]*\/(\d+)\//.exec(String(name))?.[1] ?? 0));
  for (const counter of ['sequence', 'checkpoint']) {
    const [found] = rows(db, `SELECT value FROM counters WHERE name = '${counter}'`);
    const least = counter === 'sequence' ? highest : 0;
    if (found !== undefined && Number(found.value) >= least) continue;
    await report.add('sequence-behind', `counter ${counter}`, `${found?.value ?? 'absent'}, and ${least} is in use`, {
      does: `set it to ${least}`,
      run: () => change(db, 'INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)', [counter, least]),
    });
  }
}

const rows = (db: Database, sql: string): Row[] => db.query(sql).all() as Row[];
const change = (db: Database, sql: string, values: readonly Cell[]): void => void db.query(sql).run(...values);

/** `undefined` for what is no object of texts. */
export function readLabels(text: Cell | undefined): Labels | undefined {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.values(value).every((each) => typeof each === 'string') ? (value as Labels) : undefined;
}

function areExtensions(text: Cell | undefined): boolean {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((each: unknown) => {
    const { url, value: bytes } = (each ?? {}) as Readonly<Record<string, unknown>>;
    return typeof url === 'string' && typeof bytes === 'string';
  });
}

/** The digest in a descriptor; `undefined` for what is none. */
function readTarget(text: Cell | undefined): string | undefined {
  const { digest, size, mediaType } = (parsed(text) ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  return typeof size === 'number' && typeof mediaType === 'string' ? digest : undefined;
}

function parsed(text: Cell | undefined): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined; // no JSON, as the caller will say
  }
}
