import type { Database } from 'bun:sqlite';
import { failedPrecondition } from '#base/errors';

/**
 * What `meta.sqlite` holds. Change this drawing with the tables.
 *
 * ```
 * namespaces                    every namespace that was made or written to
 *   name                        key
 *   labels                      JSON object, as everywhere
 * images
 *   ns, name                    key
 *   digest                      of the target
 *   target                      the whole descriptor, JSON
 *   labels, created_*, updated_*     seconds since the epoch (_s) and nanoseconds (_n)
 * containers
 *   ns, id                      unique
 *   image, snapshotter, snapshot_key, sandbox_id, labels, created_*, updated_*
 *   runtime, options_url, options       runtime name and options; options_url is NULL for none
 *   spec_url, spec              payload, byte for byte
 *   extensions                  JSON: name → { url, value (base64) }
 * sandboxes                     since version 2
 *   ns, id                      unique
 *   sandboxer, labels, created_*, updated_*
 *   runtime, options_url, options, extensions       as in containers
 *   spec_url, spec              spec_url is NULL for none
 * blobs                         what a namespace has of the content store
 *   ns, digest                  key; the file is one for all namespaces
 *   size, labels, created_*, updated_*
 *   gc                          bits that collection reads without the labels: 1 gc.root…, 2 gc.bref, 4 gc.ref and gc.cond.snapshot; see `gcFlags`
 * ingests
 *   ns, ref                     key
 *   backend_ref                 `<ns>/<n>/<ref>`: the ingest's name in the content store
 *   expected                    digest or NULL; protects a blob that others have until it is committed here
 *   total                       bytes, 0 for unknown
 *   started_*                   when
 *   expires                     seconds since the epoch: when an ingest that no lease holds becomes garbage; 0: one that was begun in a lease
 * snapshots
 *   ns, snapshotter, name       key (a key before, a name after commit)
 *   backend_key                 `<ns>/<n>/<name>`: its name in the snapshotter; shared where namespaces share a snapshot
 *   parent                      name in the same namespace, or ''
 *   kind                        view, active or committed
 *   committing                  JSON { name, backendKey, labels, parent } while a commit is on its way, else NULL
 *   labels, created_*, updated_*, gc
 * leases
 *   ns, id                      key
 *   labels, created_*
 * lease_resources
 *   ns, lease, type, id         key; type as on the wire: content, ingests, images, snapshots/<snapshotter>
 * doomed                        what a backend still has to remove: written with the deletion of the last row, so that no crash forgets it
 *   store                       content, ingest or snapshot/<snapshotter>
 *   key                         digest, backend ref or backend key
 * counters
 *   name, value                 `sequence`: the n of backend names; `checkpoint`: see checkpoint.worker.ts
 * ```
 */
const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE namespaces (name TEXT PRIMARY KEY, labels TEXT NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE images (ns TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, target TEXT NOT NULL, labels TEXT NOT NULL,
       created_s INTEGER NOT NULL, created_n INTEGER NOT NULL, updated_s INTEGER NOT NULL, updated_n INTEGER NOT NULL,
       PRIMARY KEY (ns, name)) WITHOUT ROWID`,
    `CREATE TABLE containers (ns TEXT NOT NULL, id TEXT NOT NULL, image TEXT NOT NULL, snapshotter TEXT NOT NULL,
       snapshot_key TEXT NOT NULL, sandbox_id TEXT NOT NULL, labels TEXT NOT NULL,
       created_s INTEGER NOT NULL, created_n INTEGER NOT NULL, updated_s INTEGER NOT NULL, updated_n INTEGER NOT NULL,
       runtime TEXT NOT NULL, options_url TEXT, options BLOB, spec_url TEXT NOT NULL, spec BLOB NOT NULL, extensions TEXT NOT NULL)`,
    `CREATE UNIQUE INDEX containers_key ON containers (ns, id)`,
    `CREATE TABLE blobs (ns TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, labels TEXT NOT NULL, gc INTEGER NOT NULL,
       created_s INTEGER NOT NULL, created_n INTEGER NOT NULL, updated_s INTEGER NOT NULL, updated_n INTEGER NOT NULL,
       PRIMARY KEY (ns, digest)) WITHOUT ROWID`,
    `CREATE INDEX blobs_digest ON blobs (digest)`,
    `CREATE INDEX blobs_gc ON blobs (ns, digest) WHERE gc & 3`,
    `CREATE TABLE ingests (ns TEXT NOT NULL, ref TEXT NOT NULL, backend_ref TEXT NOT NULL, expected TEXT, total INTEGER NOT NULL,
       started_s INTEGER NOT NULL, started_n INTEGER NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (ns, ref)) WITHOUT ROWID`,
    `CREATE INDEX ingests_backend ON ingests (backend_ref)`,
    `CREATE INDEX ingests_expected ON ingests (expected) WHERE expected IS NOT NULL`,
    `CREATE TABLE snapshots (ns TEXT NOT NULL, snapshotter TEXT NOT NULL, name TEXT NOT NULL, backend_key TEXT NOT NULL,
       parent TEXT NOT NULL, kind TEXT NOT NULL, labels TEXT NOT NULL, gc INTEGER NOT NULL,
       created_s INTEGER NOT NULL, created_n INTEGER NOT NULL, updated_s INTEGER NOT NULL, updated_n INTEGER NOT NULL,
       committing TEXT, PRIMARY KEY (ns, snapshotter, name)) WITHOUT ROWID`,
    `CREATE INDEX snapshots_parent ON snapshots (ns, snapshotter, parent)`,
    `CREATE INDEX snapshots_backend ON snapshots (snapshotter, backend_key)`,
    `CREATE INDEX snapshots_gc ON snapshots (ns, snapshotter, name) WHERE gc & 3`,
    `CREATE INDEX snapshots_committing ON snapshots (snapshotter) WHERE committing IS NOT NULL`,
    `CREATE TABLE leases (ns TEXT NOT NULL, id TEXT NOT NULL, labels TEXT NOT NULL, created_s INTEGER NOT NULL, created_n INTEGER NOT NULL,
       PRIMARY KEY (ns, id)) WITHOUT ROWID`,
    `CREATE TABLE lease_resources (ns TEXT NOT NULL, lease TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
       PRIMARY KEY (ns, lease, type, id)) WITHOUT ROWID`,
    `CREATE INDEX lease_resources_held ON lease_resources (ns, type, id)`,
    `CREATE TABLE doomed (store TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (store, key)) WITHOUT ROWID`,
    `CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID`,
    `INSERT INTO counters (name, value) VALUES ('sequence', 0), ('checkpoint', 0)`,
  ],
  [
    `CREATE TABLE sandboxes (ns TEXT NOT NULL, id TEXT NOT NULL, sandboxer TEXT NOT NULL, labels TEXT NOT NULL,
       created_s INTEGER NOT NULL, created_n INTEGER NOT NULL, updated_s INTEGER NOT NULL, updated_n INTEGER NOT NULL,
       runtime TEXT NOT NULL, options_url TEXT, options BLOB, spec_url TEXT, spec BLOB, extensions TEXT NOT NULL)`,
    `CREATE UNIQUE INDEX sandboxes_key ON sandboxes (ns, id)`,
  ],
  // Since then `gc` has bits for more labels: without them a collection would not see what these keep.
  ['blobs', 'snapshots'].flatMap((table) => [
    withFlag(table, 1, 'containerd.io/gc.root'),
    withFlag(table, 4, 'containerd.io/gc.cond.snapshot'),
  ]),
];

/** Rows whose labels cannot be read are left to a check. */
function withFlag(table: string, bit: number, start: string): string {
  return `UPDATE ${table} SET gc = gc | ${bit} WHERE instr(labels, '"${start}') > 0 AND CASE WHEN json_valid(labels)
    THEN EXISTS (SELECT 1 FROM json_each(${table}.labels) AS label WHERE label.key GLOB '${start}*') ELSE 0 END`;
}

/** What `PRAGMA user_version` says of tables of this program. */
export const schemaVersion = migrations.length;

/**
 * Brings the tables to the newest version, in one transaction.
 *
 * @throws failed_precondition when a newer program has made them.
 */
export function migrate(db: Database): void {
  using statement = db.prepare('PRAGMA user_version');
  const { user_version: version } = statement.get() as { readonly user_version: number };
  if (version > migrations.length) {
    throw failedPrecondition(`the metadata has version ${version}, this program knows ${migrations.length}`);
  }
  if (version === migrations.length) return;
  db.transaction(() => {
    for (const statement of migrations.slice(version).flat()) db.run(statement);
    db.run(`PRAGMA user_version = ${migrations.length}`);
  }).immediate();
}
