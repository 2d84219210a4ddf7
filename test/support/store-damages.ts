import { Database } from 'bun:sqlite';
import {
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { FindingKind } from '#core/check/findings';
import { digestOf } from '#lib/digest';

export interface Store extends Disposable {
  readonly root: string;
  readonly meta: string;
  readonly overlay: string;
  readonly layer: string;
  readonly manifest: string;
  path(...parts: string[]): string;
  blob(digest: string): string;
  sql(file: string, ...statements: string[]): void;
}

/** A copy of a store, gone when it is disposed. `layer` and `manifest` are digests in it. */
export function copyOfStore(model: string, blobs: Pick<Store, 'layer' | 'manifest'>): Store {
  const root = mkdtempSync('/dev/shm/berth-check-');
  cpSync(model, root, { recursive: true, force: true, verbatimSymlinks: true });
  const path = (...parts: string[]) => join(root, ...parts);
  return {
    root,
    ...blobs,
    path,
    meta: path('io.containerd.metadata.v1.bolt/meta.sqlite'),
    overlay: path('io.containerd.snapshotter.v1.overlayfs'),
    blob: (digest) => path('io.containerd.content.v1.content/blobs', digest.replace(':', '/')),
    sql(file, ...statements) {
      using db = new Database(file, { readwrite: true, create: false });
      for (const statement of statements) db.run(statement);
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

function removeDatabase(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
}

/** Takes an entry out of an index that has one page: a page's number of entries is in its bytes 3 and 4. */
function shortenIndex(path: string, index: string): void {
  let offset = 0;
  {
    using db = new Database(path, { readwrite: true, create: false });
    db.run('PRAGMA wal_checkpoint(TRUNCATE)');
    const { rootpage } = db.query('SELECT rootpage FROM sqlite_master WHERE name = ?').get(index) as {
      rootpage: number;
    };
    const { page_size } = db.query('PRAGMA page_size').get() as { page_size: number };
    offset = (rootpage - 1) * page_size + 3;
  }
  const fd = openSync(path, 'r+');
  const count = Buffer.alloc(2);
  readSync(fd, count, 0, 2, offset);
  count.writeUInt16BE(count.readUInt16BE() - 1);
  writeSync(fd, count, 0, 2, offset);
  closeSync(fd);
}

const snapshotRow = (where: string) => `UPDATE snapshots SET ${where}`;

/** What was done to a store, and all that a check must then find. `unmendable`: some of it stays after a repair. */
export interface Damage {
  readonly of: FindingKind;
  readonly also?: readonly FindingKind[];
  readonly flags?: readonly string[];
  readonly unmendable?: boolean;
  /** The daemon does it, and a repair leaves it to the daemon. */
  readonly keeps?: boolean;
  do(store: Store): void;
}

export const damages: Readonly<Record<string, Damage>> = {
  'the metadata are gone': {
    of: 'database-missing',
    unmendable: true,
    do: ({ meta }) => removeDatabase(meta),
  },
  'the metadata are rubbish': {
    of: 'database-damaged',
    unmendable: true,
    do: ({ meta }) => {
      removeDatabase(meta);
      writeFileSync(meta, 'rubbish'.repeat(5000));
    },
  },
  "a snapshotter's records are cut off": {
    of: 'database-damaged',
    unmendable: true,
    do: ({ overlay }) => {
      for (const end of ['-wal', '-shm']) rmSync(join(overlay, `metadata.db${end}`), { force: true });
      truncateSync(join(overlay, 'metadata.db'), 5000);
    },
  },
  "a snapshotter's records are gone": {
    of: 'database-missing',
    unmendable: true,
    do: ({ overlay }) => removeDatabase(join(overlay, 'metadata.db')),
  },
  'the disk with the blobs is not mounted': {
    of: 'blob-missing',
    unmendable: true,
    do: ({ path }) => rmSync(path('io.containerd.content.v1.content'), { recursive: true }),
  },
  'a blob is gone': { of: 'blob-missing', do: ({ layer, blob }) => rmSync(blob(layer)) },
  'a manifest is gone': {
    of: 'blob-missing',
    also: ['image-incomplete'],
    do: ({ manifest, blob }) => rmSync(blob(manifest)),
  },
  'a blob is cut off': { of: 'blob-size-differs', do: ({ layer, blob }) => truncateSync(blob(layer), 10) },
  'a blob is a directory': {
    of: 'blob-size-differs',
    do({ layer, blob }) {
      rmSync(blob(layer));
      mkdirSync(blob(layer));
    },
  },
  'a blob has other bytes': {
    of: 'blob-corrupt',
    flags: ['--deep'],
    do({ layer, blob }) {
      chmodSync(blob(layer), 0o644);
      const fd = openSync(blob(layer), 'r+');
      writeSync(fd, 'x', 1000);
      closeSync(fd);
    },
  },
  'an index lacks a row': {
    of: 'index-damaged',
    do: ({ meta }) => shortenIndex(meta, 'lease_resources_held'),
  },
  'labels are no JSON': {
    of: 'row-malformed',
    do: ({ sql, meta }) => sql(meta, `UPDATE blobs SET labels = '{', gc = 0`),
  },
  'labels are no texts': {
    of: 'row-malformed',
    do: ({ sql, meta }) => sql(meta, `UPDATE leases SET labels = '{"a":1}'`),
  },
  'a target is no descriptor': {
    of: 'row-malformed',
    do: ({ sql, meta }) => sql(meta, `UPDATE images SET target = '[]'`),
  },
  'a size is negative': {
    of: 'blob-size-differs',
    do: ({ manifest, sql, meta }) => sql(meta, `UPDATE blobs SET size = -1 WHERE digest = '${manifest}'`),
  },
  'extensions are no table': {
    of: 'row-malformed',
    do: ({ sql, meta }) => sql(meta, `UPDATE containers SET extensions = '{"a":"b"}'`),
  },
  'an ingest has no place': {
    of: 'row-malformed',
    also: ['ingest-orphan'],
    do: ({ sql, meta }) => sql(meta, `UPDATE ingests SET backend_ref = 'x'`),
  },
  'an ingest waits for nonsense': {
    of: 'row-malformed',
    also: ['ingest-orphan'],
    do: ({ sql, meta }) => sql(meta, `UPDATE ingests SET expected = 'x'`),
  },
  'a commit is nonsense': {
    of: 'row-malformed',
    do: ({ sql, meta }) => sql(meta, snapshotRow(`committing = '{}' WHERE name = 'c'`)),
  },
  'the collector would read something else': {
    of: 'flags-wrong',
    do: ({ sql, meta }) => sql(meta, 'UPDATE blobs SET gc = 0'),
  },
  'a namespace has no row': { of: 'namespace-missing', do: ({ sql, meta }) => sql(meta, 'DELETE FROM namespaces') },
  'an image has two digests': {
    of: 'image-digest-differs',
    do: ({ sql, meta }) => sql(meta, `UPDATE images SET digest = '${digestOf('x')}'`),
  },
  'a lease has no row': { of: 'lease-missing', do: ({ sql, meta }) => sql(meta, 'DELETE FROM leases') },
  'names would come again': {
    of: 'sequence-behind',
    do: ({ sql, meta }) => sql(meta, `UPDATE counters SET value = 0 WHERE name = 'sequence'`),
  },
  'counters are gone': { of: 'sequence-behind', do: ({ sql, meta }) => sql(meta, 'DELETE FROM counters') },
  'a snapshot is gone from the snapshotter': {
    of: 'snapshot-missing',
    also: ['snapshot-directory-orphan'],
    do: ({ sql, path }) => sql(path('io.containerd.snapshotter.v1.native/metadata.db'), 'DELETE FROM snapshots'),
  },
  'a parent is gone': {
    of: 'snapshot-parent-missing',
    do: ({ sql, meta }) => sql(meta, `DELETE FROM snapshots WHERE snapshotter = 'overlayfs' AND parent = ''`),
  },
  'a parent is not committed': {
    of: 'snapshot-differs',
    do: ({ sql, meta }) => sql(meta, snapshotRow(`kind = 'active' WHERE snapshotter = 'overlayfs' AND parent = ''`)),
  },
  'parents go in a circle': {
    of: 'snapshot-differs',
    do: ({ sql, meta }) => sql(meta, snapshotRow(`parent = name WHERE snapshotter = 'native'`)),
  },
  'a kind differs': {
    of: 'snapshot-differs',
    do: ({ sql, meta }) => sql(meta, snapshotRow(`kind = 'view' WHERE name = 'c'`)),
  },
  "a record's parent is gone": {
    of: 'snapshot-record-damaged',
    also: ['container-incomplete', 'snapshot-missing', 'snapshot-directory-orphan', 'snapshot-differs'],
    do: ({ sql, overlay }) =>
      sql(join(overlay, 'metadata.db'), 'PRAGMA foreign_keys = OFF', 'DELETE FROM snapshots WHERE parent IS NULL'),
  },
  "a record's kind is nonsense": {
    of: 'snapshot-record-damaged',
    also: ['snapshot-differs'],
    do: ({ sql, path }) => sql(path('io.containerd.snapshotter.v1.native/metadata.db'), snapshotRow(`kind = 'x'`)),
  },
  'the directory of a layer is gone': {
    of: 'snapshot-directory-missing',
    also: ['container-incomplete'],
    do: ({ overlay }) =>
      rmSync(join(overlay, 'snapshots', readdirSync(join(overlay, 'snapshots')).sort()[0] as string), {
        recursive: true,
      }),
  },
};

/** What a crash may leave: no damage, and a repair clears it away. */
export const leftovers: Readonly<Record<string, Damage>> = {
  'a blob that nobody has': { of: 'blob-orphan', do: ({ blob }) => writeFileSync(blob(digestOf('x')), 'x') },
  'an ingest without a name': {
    of: 'ingest-orphan',
    do: ({ path }) => mkdirSync(path('io.containerd.content.v1.content/ingest', 'a'.repeat(64))),
  },
  'an ingest in the wrong place': {
    of: 'ingest-orphan',
    do({ path }) {
      mkdirSync(path('io.containerd.content.v1.content/ingest/b'));
      writeFileSync(path('io.containerd.content.v1.content/ingest/b/ref'), 'r');
    },
  },
  'a directory of no snapshot': {
    of: 'snapshot-directory-orphan',
    do: ({ overlay }) => mkdirSync(join(overlay, 'snapshots/999/fs'), { recursive: true }),
  },
  'a commit that was cut short': {
    of: 'commit-pending',
    keeps: true,
    do: ({ sql, meta }) =>
      sql(
        meta,
        snapshotRow(`committing = '{"name":"x","backendKey":"a/99/x","labels":{},"parent":""}' WHERE name = 'c'`),
        `UPDATE counters SET value = 99 WHERE name = 'sequence'`,
      ),
  },
  'a removal that was not done': {
    of: 'removal-pending',
    keeps: true,
    do: ({ sql, meta }) => sql(meta, `INSERT INTO doomed VALUES ('content', '${digestOf('x')}')`),
  },
  'the directory of an active snapshot is gone': {
    of: 'snapshot-directory-lost',
    keeps: true,
    do: ({ overlay }) =>
      rmSync(join(overlay, 'snapshots', readdirSync(join(overlay, 'snapshots')).sort().at(-1) as string), {
        recursive: true,
      }),
  },
  'a work directory of no task': {
    of: 'bundle-orphan',
    keeps: true,
    do: ({ path }) => mkdirSync(path('io.containerd.runtime.v2.task/default/gone'), { recursive: true }),
  },
  'a bundle whose removal was cut short': {
    of: 'bundle-orphan',
    keeps: true,
    do: ({ path }) => mkdirSync(path('state/io.containerd.runtime.v2.task/default/.gone'), { recursive: true }),
  },
  'a bundle whose making was cut short': {
    of: 'bundle-orphan',
    keeps: true,
    do: ({ path }) => mkdirSync(path('state/io.containerd.runtime.v2.task/default/new'), { recursive: true }),
  },
  'a snapshot of no namespace': {
    of: 'snapshot-orphan',
    do: ({ sql, meta }) => sql(meta, `DELETE FROM snapshots WHERE snapshotter = 'native'`),
  },
};
