-- A database as the first version of the program left it: schema.test.ts opens it. Never change it.
BEGIN TRANSACTION;
CREATE TABLE namespaces (name TEXT PRIMARY KEY, labels TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO namespaces VALUES('old','{"since":"before"}');
CREATE TABLE images (ns TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, target TEXT NOT NULL, labels TEXT NOT NULL,
       created_s INTEGER NOT NULL, created_n INTEGER NOT NULL, updated_s INTEGER NOT NULL, updated_n INTEGER NOT NULL,
       PRIMARY KEY (ns, name)) WITHOUT ROWID;
INSERT INTO images VALUES('old','docker.io/library/a:1','sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881','{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881","size":1}','{"k":"v"}',1795448036,69376379,1795448036,69376379);
CREATE TABLE containers (ns TEXT NOT NULL, id TEXT NOT NULL, image TEXT NOT NULL, snapshotter TEXT NOT NULL,
       snapshot_key TEXT NOT NULL, sandbox_id TEXT NOT NULL, labels TEXT NOT NULL,
       created_s INTEGER NOT NULL, created_n INTEGER NOT NULL, updated_s INTEGER NOT NULL, updated_n INTEGER NOT NULL,
       runtime TEXT NOT NULL, options_url TEXT, options BLOB, spec_url TEXT NOT NULL, spec BLOB NOT NULL, extensions TEXT NOT NULL);
INSERT INTO containers VALUES('old','c','docker.io/library/a:1','','','box','{"k":"v"}',1795448036,70455379,1795448036,70455379,'io.containerd.runc.v2',NULL,NULL,'t',X'7b7d','{"e":{"url":"t","value":"dg=="}}');
CREATE TABLE blobs (ns TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, labels TEXT NOT NULL, gc INTEGER NOT NULL,
       created_s INTEGER NOT NULL, created_n INTEGER NOT NULL, updated_s INTEGER NOT NULL, updated_n INTEGER NOT NULL,
       PRIMARY KEY (ns, digest)) WITHOUT ROWID;
CREATE TABLE ingests (ns TEXT NOT NULL, ref TEXT NOT NULL, backend_ref TEXT NOT NULL, expected TEXT, total INTEGER NOT NULL,
       started_s INTEGER NOT NULL, started_n INTEGER NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (ns, ref)) WITHOUT ROWID;
CREATE TABLE snapshots (ns TEXT NOT NULL, snapshotter TEXT NOT NULL, name TEXT NOT NULL, backend_key TEXT NOT NULL,
       parent TEXT NOT NULL, kind TEXT NOT NULL, labels TEXT NOT NULL, gc INTEGER NOT NULL,
       created_s INTEGER NOT NULL, created_n INTEGER NOT NULL, updated_s INTEGER NOT NULL, updated_n INTEGER NOT NULL,
       committing TEXT, PRIMARY KEY (ns, snapshotter, name)) WITHOUT ROWID;
CREATE TABLE leases (ns TEXT NOT NULL, id TEXT NOT NULL, labels TEXT NOT NULL, created_s INTEGER NOT NULL, created_n INTEGER NOT NULL,
       PRIMARY KEY (ns, id)) WITHOUT ROWID;
INSERT INTO leases VALUES('old','l','{"containerd.io/gc.expire":"2999-01-01T00:00:00Z"}',1795448036,71408923);
CREATE TABLE lease_resources (ns TEXT NOT NULL, lease TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
       PRIMARY KEY (ns, lease, type, id)) WITHOUT ROWID;
INSERT INTO lease_resources VALUES('old','l','images','docker.io/library/a:1');
CREATE TABLE doomed (store TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (store, key)) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES('checkpoint',0);
INSERT INTO counters VALUES('sequence',0);
CREATE UNIQUE INDEX containers_key ON containers (ns, id);
CREATE INDEX blobs_digest ON blobs (digest);
CREATE INDEX blobs_gc ON blobs (ns, digest) WHERE gc & 3;
CREATE INDEX ingests_backend ON ingests (backend_ref);
CREATE INDEX ingests_expected ON ingests (expected) WHERE expected IS NOT NULL;
CREATE INDEX snapshots_parent ON snapshots (ns, snapshotter, parent);
CREATE INDEX snapshots_backend ON snapshots (snapshotter, backend_key);
CREATE INDEX snapshots_gc ON snapshots (ns, snapshotter, name) WHERE gc & 3;
CREATE INDEX snapshots_committing ON snapshots (snapshotter) WHERE committing IS NOT NULL;
CREATE INDEX lease_resources_held ON lease_resources (ns, type, id);
COMMIT;
PRAGMA user_version = 1;
