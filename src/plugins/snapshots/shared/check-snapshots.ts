import { Database } from 'bun:sqlite';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkDatabase } from '#core/check/check-database';
import type { Report } from '#core/check/findings';
import type { CheckedMetadata, CheckPlace, KnownSnapshot } from '#core/check/store-check';
import type { SnapshotKind } from '#core/snapshots/snapshotter';

/** How a snapshotter keeps its trees. */
export interface SnapshotLayout {
  readonly root: string;
  /** Folders below the root in which every entry belongs to one snapshot. */
  readonly places: readonly string[];
  /** The entry of a snapshot below the root; `undefined` for one that needs none. */
  entry(record: CheckedRecord): string | undefined;
  /** What must be in the entry, '' for the entry itself. */
  contents(record: CheckedRecord): readonly string[];
  /** Removes an entry that nothing needs. */
  discard(path: string): Promise<void>;
}

export interface CheckedRecord {
  readonly id: number;
  readonly name: string;
  readonly kind: SnapshotKind;
  readonly parent: number | null;
  readonly labels: string;
}

const kinds: readonly string[] = ['active', 'view', 'committed'];

/** Compares a snapshotter's records with its directories and with what the namespaces have. */
export async function checkSnapshots(
  { id: snapshotter, report }: CheckPlace<unknown>,
  known: CheckedMetadata,
  layout: SnapshotLayout,
): Promise<void> {
  const path = join(layout.root, 'metadata.db');
  const rows = known.snapshots(snapshotter);
  if (!existsSync(path)) {
    // A disk that is not mounted looks like this: who forgot all of it would have it removed when it is back.
    if (rows.length > 0)
      await report.add('database-missing', path, `${rows.length} snapshots of namespaces are said to be in it`);
    return;
  }
  using db = new Database(path, report.repair ? { readwrite: true, create: false } : { readonly: true });
  if (
    !(await checkDatabase(
      { path, table: 'snapshots', all: (sql) => db.query(sql).all(), run: (sql) => void db.run(sql) },
      report,
    ))
  )
    return;
  const records = new Map<number, CheckedRecord>();
  for (const row of db.query('SELECT id, name, kind, parent, labels FROM snapshots').all() as CheckedRecord[])
    records.set(row.id, row);
  const checked = new RecordCheck({ snapshotter, report, known, layout, db, records });
  await checked.records();
  await checked.directories();
  const names = new Map([...records.values()].map((record) => [record.name, record]));
  await checked.rows(names);
  await missing(new Set(names.keys()), known.snapshots(snapshotter));

  async function missing(names: ReadonlySet<string>, wanted: readonly KnownSnapshot[]): Promise<void> {
    for (const { key, laterKey, namespace, name } of wanted) {
      if (names.has(key) || !known.snapshots(snapshotter).some((row) => row.key === key)) continue;
      if (laterKey !== undefined && names.has(laterKey)) continue;
      const users = known.usersOfSnapshot(snapshotter, key);
      await report.add('snapshot-missing', `${snapshotter} ${name} (${namespace})`, `${path} has no ${key}`, {
        does: `forget it${users.length === 0 ? '' : `, with ${users.join(', ')}`}`,
        run: () => known.dropSnapshot(snapshotter, key),
      });
    }
  }
}

interface Parts {
  readonly snapshotter: string;
  readonly report: Report;
  readonly known: CheckedMetadata;
  readonly layout: SnapshotLayout;
  readonly db: Database;
  readonly records: Map<number, CheckedRecord>;
}

class RecordCheck {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async records(): Promise<void> {
    const { records, report } = this.#parts;
    for (const record of [...records.values()]) {
      if (!records.has(record.id)) continue;
      const fault = this.#faultOf(record);
      if (fault === undefined) continue;
      await report.add('snapshot-record-damaged', this.#called(record), fault, this.#giveUp(record));
    }
  }

  async directories(): Promise<void> {
    const { records, report, layout } = this.#parts;
    const wanted = new Set<string>();
    for (const record of [...records.values()]) {
      if (!records.has(record.id)) continue;
      const entry = layout.entry(record);
      if (entry === undefined) continue;
      wanted.add(entry);
      const gone = layout.contents(record).filter((name) => !existsSync(join(layout.root, entry, name)));
      if (gone.length === 0) continue;
      const detail = `${gone.map((name) => join(entry, name)).join(', ')} is not there`;
      if (record.kind !== 'committed') await report.add('snapshot-directory-lost', this.#called(record), detail);
      else await report.add('snapshot-directory-missing', this.#called(record), detail, this.#giveUp(record));
    }
    const aside = this.#isShort();
    for (const place of layout.places) {
      const folder = join(layout.root, place);
      for (const name of existsSync(folder) ? (await readdir(folder)).sort() : []) {
        if (wanted.has(join(place, name))) continue;
        const path = join(folder, name);
        const mend = aside
          ? { does: `put it into ${this.#aside}`, run: () => this.#putAside(path) }
          : { does: 'remove it', run: () => layout.discard(path) };
        await report.add('snapshot-directory-orphan', path, 'it belongs to no snapshot', mend);
      }
    }
  }

  /** Whether there is no record of a snapshot that a namespace has: then a tree without one may be its. */
  #isShort(): boolean {
    const { known, snapshotter, records } = this.#parts;
    const names = new Set([...records.values()].map(({ name }) => name));
    return known
      .snapshots(snapshotter)
      .some(({ key, laterKey }) => !names.has(key) && (laterKey === undefined || !names.has(laterKey)));
  }

  /** What namespaces say of the snapshots that there are, and snapshots that no namespace has. */
  async rows(names: ReadonlyMap<string, CheckedRecord>): Promise<void> {
    const { snapshotter, report, known, records } = this.#parts;
    for (const row of known.snapshots(snapshotter)) {
      if (row.laterKey !== undefined) {
        await report.add(
          'commit-pending',
          `${snapshotter} ${row.name} (${row.namespace})`,
          `to become ${row.laterKey}`,
        );
        continue;
      }
      const record = names.get(row.key);
      if (record === undefined) continue;
      if (row.parentName !== '' && row.parent === '' && record.parent !== null) {
        await this.#parentless(row, record);
        continue;
      }
      const seen = { kind: record.kind, parent: this.#nameOf(record.parent) };
      if (seen.kind === row.kind && seen.parent === row.parent) continue;
      const detail = `${row.kind} on ${row.parent || 'nothing'}; the snapshotter has it ${seen.kind} on ${seen.parent || 'nothing'}`;
      const run = () => known.correctSnapshot(snapshotter, row, seen);
      const does = 'have the namespace say what the snapshotter says';
      await report.add('snapshot-differs', `${snapshotter} ${row.name} (${row.namespace})`, detail, { does, run });
    }
    const needed = new Set(known.snapshots(snapshotter).flatMap(({ key, laterKey }) => [key, laterKey]));
    // Those that lie on others first.
    for (const record of [...names.values()].sort((a, b) => b.id - a.id)) {
      if (needed.has(record.name) || !records.has(record.id)) continue;
      const children = [...records.values()].some(({ parent }) => parent === record.id);
      const mend = children ? undefined : { does: 'remove it', run: () => this.#discard(record) };
      await report.add('snapshot-orphan', this.#called(record), 'no namespace has it', mend);
    }
  }

  /** The snapshotter knows the parents that the namespace has forgotten. */
  async #parentless(row: KnownSnapshot, record: CheckedRecord): Promise<void> {
    const { snapshotter, report, known, records } = this.#parts;
    const run = () => {
      let name = row.parentName;
      for (let above = record.parent; above !== null; above = records.get(above)?.parent ?? null) {
        const key = this.#nameOf(above);
        const own = known.snapshots(snapshotter).filter(({ namespace }) => namespace === row.namespace);
        if (own.some((other) => other.key === key)) return;
        const next = this.#nameOf(records.get(above)?.parent ?? null);
        const nextName = own.find((other) => other.key === next)?.name ?? next.split('/').slice(2).join('/');
        known.adoptSnapshot(snapshotter, { namespace: row.namespace, name, key, parentName: nextName });
        name = nextName;
      }
    };
    const subject = `${snapshotter} ${row.name} (${row.namespace})`;
    const does = 'enter it again as the snapshotter has it, without labels';
    await report.add('snapshot-parent-missing', subject, `its parent ${row.parentName} is not there`, { does, run });
  }

  #faultOf({ id, kind, parent, labels, name }: CheckedRecord): string | undefined {
    const { records } = this.#parts;
    if (name === '') return 'it has no name';
    if (!kinds.includes(kind)) return `its kind is ${JSON.stringify(kind)}`;
    if (!isLabels(labels)) return 'its labels are no table of texts';
    if (parent === null) return undefined;
    const above = records.get(parent);
    if (above === undefined) return `its parent ${parent} is not there`;
    if (above.kind !== 'committed') return `its parent ${above.name} is not committed`;
    const met = new Set([id]);
    for (let next: number | null = parent; next !== null; next = records.get(next)?.parent ?? null) {
      if (met.has(next)) return 'its parents lead back to it';
      met.add(next);
    }
    return undefined;
  }

  /** Without its record or its tree nothing that lies on it can be used either. What containers wrote is put aside, not removed. */
  #giveUp(record: CheckedRecord): { readonly does: string; run(): Promise<void> } {
    const { snapshotter, known, layout } = this.#parts;
    const all = this.#withAllAbove(record);
    const users = [...new Set(all.flatMap(({ name }) => known.usersOfSnapshot(snapshotter, name)))];
    return {
      does: `forget it${users.length === 0 ? '' : `, with ${users.join(', ')}`}; put what is left of its trees into ${this.#aside}`,
      run: async () => {
        for (const each of all) {
          const entry = layout.entry(each);
          if (entry !== undefined) await this.#putAside(join(layout.root, entry));
          known.dropSnapshot(snapshotter, each.name);
          this.#forget(each);
        }
      },
    };
  }

  get #aside(): string {
    return join(this.#parts.layout.root, 'damaged');
  }

  /** Under its own name, or beside what has that already. */
  async #putAside(path: string): Promise<void> {
    if (!existsSync(path)) return;
    const wanted = join(this.#aside, basename(path));
    let to = wanted;
    for (let i = 1; existsSync(to); i++) to = `${wanted}.${i}`;
    await mkdir(this.#aside, { recursive: true, mode: 0o700 });
    await rename(path, to);
  }

  async #discard(record: CheckedRecord): Promise<void> {
    const { layout } = this.#parts;
    this.#forget(record);
    const entry = layout.entry(record);
    if (entry !== undefined) await layout.discard(join(layout.root, entry));
  }

  #forget({ id }: CheckedRecord): void {
    const { db, records } = this.#parts;
    db.query('DELETE FROM snapshots WHERE id = ?').run(id);
    records.delete(id);
  }

  /** The children of children first. */
  #withAllAbove(record: CheckedRecord, met = new Set<number>()): CheckedRecord[] {
    if (met.has(record.id)) return [];
    met.add(record.id);
    const children = [...this.#parts.records.values()].filter(({ parent }) => parent === record.id);
    return [...children.flatMap((child) => this.#withAllAbove(child, met)), record];
  }

  #nameOf(id: number | null): string {
    return id === null ? '' : (this.#parts.records.get(id)?.name ?? '');
  }

  #called({ id, name }: CheckedRecord): string {
    return `${this.#parts.snapshotter} ${id} ${name}`;
  }
}

function isLabels(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return (
      typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string')
    );
  } catch {
    return false; // it is no JSON
  }
}
