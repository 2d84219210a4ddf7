import { Database } from 'bun:sqlite';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface StoreFindings {
  /** Files and directories that no row knows: a collection must leave none. */
  readonly orphans: readonly string[];
  /** What a row, an image, a container, a snapshot or a label refers to and is not there: never, not even after a crash. */
  readonly missing: readonly string[];
  /** Blobs whose bytes are not those of their name or whose size is another: never. */
  readonly corrupt: readonly string[];
  /** Removals that the database has decided on and that are not done. */
  readonly doomed: readonly string[];
}

export const soundStore: StoreFindings = { orphans: [], missing: [], corrupt: [], doomed: [] };

type Text = Readonly<Record<string, string>>;

/** Compares a daemon's files with its tables, row by row; the daemon may run. Reads all blobs. */
export function checkStore(root: string): StoreFindings {
  const plugin = (name: string, ...rest: string[]) => join(root, `io.containerd.${name}`, ...rest);
  using meta = new Database(plugin('metadata.v1.bolt', 'meta.sqlite'), { readonly: true });
  const rows = (sql: string) => meta.query<Text, []>(sql).all();
  const findings = { orphans: [] as string[], missing: [] as string[], corrupt: [] as string[] };
  checkBlobs(plugin('content.v1.content'), rows, findings);
  checkIngests(plugin('content.v1.content', 'ingest'), rows, findings);
  checkOverlays(plugin('snapshotter.v1.overlayfs'), rows, findings);
  checkReferences(rows, findings);
  for (const name of entries(join(root, 'tmpmounts'))) findings.orphans.push(`temporary ${name}`);
  const doomed = rows('SELECT store, key FROM doomed').map(({ store, key }) => `${store} ${key}`);
  return { ...findings, doomed };
}

type Rows = (sql: string) => Text[];
type Lists = Record<'orphans' | 'missing' | 'corrupt', string[]>;

function checkBlobs(root: string, rows: Rows, { orphans, missing, corrupt }: Lists): void {
  const sizes = new Map(rows('SELECT digest, size FROM blobs').map(({ digest = '', size }) => [digest, Number(size)]));
  for (const algorithm of entries(join(root, 'blobs'))) {
    for (const hex of entries(join(root, 'blobs', algorithm))) {
      const path = join(root, 'blobs', algorithm, hex);
      const digest = `${algorithm}:${hex}`;
      if (!sizes.has(digest)) orphans.push(`blob ${digest}`);
      const body = readFileSync(path);
      if (createHash(algorithm).update(body).digest('hex') !== hex) corrupt.push(`${digest} has other bytes`);
      if (sizes.has(digest) && sizes.get(digest) !== body.length) corrupt.push(`${digest} has ${body.length} bytes`);
      sizes.delete(digest);
    }
  }
  for (const digest of sizes.keys()) missing.push(`blob ${digest}`);
}

function checkIngests(root: string, rows: Rows, { orphans }: Lists): void {
  // A row without a directory is an ingest to which nothing was written.
  const known = new Set(
    rows('SELECT backend_ref FROM ingests').map(({ backend_ref = '' }) =>
      createHash('sha256').update(backend_ref).digest('hex'),
    ),
  );
  for (const name of [...entries(root)].sort()) if (!known.has(name)) orphans.push(`ingest ${name}`);
}

function checkOverlays(root: string, rows: Rows, { orphans, missing }: Lists): void {
  using db = new Database(join(root, 'metadata.db'), { readonly: true });
  const records = db.query<Text, []>('SELECT id, name FROM snapshots').all();
  const ids = new Map(records.map(({ id, name }) => [String(id), name ?? '']));
  for (const name of entries(join(root, 'snapshots'))) if (!ids.has(name)) orphans.push(`snapshot directory ${name}`);
  for (const [id, name] of ids)
    if (!existsSync(join(root, 'snapshots', id, 'fs'))) missing.push(`directory ${id} of snapshot ${name}`);
  const names = new Set(ids.values());
  const needed = rows(`SELECT backend_key, kind, committing FROM snapshots WHERE snapshotter = 'overlayfs'`);
  for (const { backend_key = '', committing } of needed) {
    // A commit that a crash cut short is either not done, or done under the name that the row tells.
    const later = committing === null || committing === undefined ? '' : JSON.parse(committing).backendKey;
    if (!names.delete(backend_key) && !names.delete(later)) missing.push(`snapshot ${backend_key}`);
  }
  for (const name of names) orphans.push(`snapshot ${name}`);
}

function checkReferences(rows: Rows, { missing }: Lists): void {
  const blobs = new Set(rows('SELECT ns, digest FROM blobs').map(({ ns, digest }) => `${ns} ${digest}`));
  const snapshots = new Set(
    rows('SELECT ns, snapshotter, name FROM snapshots').map(
      ({ ns, snapshotter, name }) => `${ns} ${snapshotter} ${name}`,
    ),
  );
  const need = (set: ReadonlySet<string>, key: string, who: string) => {
    if (!set.has(key)) missing.push(`${key} of ${who}`);
  };
  for (const { ns, name, digest } of rows('SELECT ns, name, digest FROM images'))
    need(blobs, `${ns} ${digest}`, `image ${name}`);
  for (const { ns, id, snapshotter, snapshot_key } of rows('SELECT ns, id, snapshotter, snapshot_key FROM containers'))
    if (snapshot_key !== '') need(snapshots, `${ns} ${snapshotter} ${snapshot_key}`, `container ${id}`);
  for (const { ns, snapshotter, name, parent } of rows('SELECT ns, snapshotter, name, parent FROM snapshots'))
    if (parent !== '') need(snapshots, `${ns} ${snapshotter} ${parent}`, `snapshot ${name}`);
  // What an image reaches by labels must be there whole, or a pull of it would end with less than it promised.
  const labels = new Map(rows('SELECT ns, digest, labels FROM blobs').map((row) => [`${row.ns} ${row.digest}`, row]));
  const open = rows('SELECT ns, digest FROM images').map(({ ns, digest }) => `${ns} ${digest}`);
  const seen = new Set(open);
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    const row = labels.get(key);
    for (const [label, target] of Object.entries(JSON.parse(row?.labels ?? '{}') as Text)) {
      const snapshotter = /^containerd\.io\/gc\.ref\.snapshot\.([^./]+)/.exec(label)?.[1];
      if (snapshotter !== undefined) need(snapshots, `${row?.ns} ${snapshotter} ${target}`, `label of ${key}`);
      if (!label.startsWith('containerd.io/gc.ref.content.')) continue;
      const next = `${row?.ns} ${target}`;
      need(blobs, next, `label of ${key}`);
      if (!seen.has(next)) open.push(next);
      seen.add(next);
    }
  }
}

const entries = (path: string): readonly string[] =>
  statSync(path, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(path);
