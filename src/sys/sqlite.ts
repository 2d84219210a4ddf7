import { Database, type SQLQueryBindings, constants as sqlite } from 'bun:sqlite';
import { closeSync, constants, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { fault, wrap } from '#base/errors';
import { addon } from './addon.ts';
import { syncPath } from './fs.ts';

/** Changes within one transaction. Gives the number of rows changed. */
export type RunSql = (sql: string, ...values: SQLQueryBindings[]) => number;

/**
 * A small SQLite file with one writer, this process. A change is made at once (some 30 µs of the event loop) and the promise
 * of `write` settles when it would survive a power cut: the log is synced by a thread, and all who wait share the next sync.
 */
export class SmallDatabase implements AsyncDisposable {
  readonly #db: Database;
  readonly #path: string;
  readonly #log: number;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: unknown;

  private constructor(db: Database, path: string) {
    this.#db = db;
    this.#path = path;
    this.#log = openSync(`${path}-wal`, constants.O_RDONLY);
  }

  /** Opens or makes it. `schema` runs every time: `CREATE TABLE IF NOT EXISTS`. @throws what SQLite says, with the path */
  static async open(path: string, schema: string): Promise<SmallDatabase> {
    let db: Database | undefined;
    try {
      db = new Database(path, { create: true, readwrite: true });
      db.run('PRAGMA journal_mode=WAL');
      // NORMAL: SQLite itself does not sync at a commit; `write` does. It still orders log and database at a checkpoint.
      db.run('PRAGMA synchronous=NORMAL');
      // A checkpoint holds the event loop for some milliseconds: one in about three thousand changes.
      db.run('PRAGMA wal_autocheckpoint=4000');
      db.run('PRAGMA busy_timeout=5000');
      db.run(schema);
      // The log stays when it is closed: on a full disk it could not be made again, and the next start would fail.
      db.fileControl(sqlite.SQLITE_FCNTL_PERSIST_WAL, 1);
      touch(db);
      const opened = new SmallDatabase(db, path);
      await opened.flush();
      await syncPath(dirname(path));
      return opened;
    } catch (thrown) {
      db?.close();
      throw wrap(thrown, `database ${path}`);
    }
  }

  /** Rows as objects by column name. */
  rows<T>(sql: string, ...values: SQLQueryBindings[]): T[] {
    return this.#db.query(sql).all(...values) as T[];
  }

  /** Runs `work` as one transaction, without a break; whatever it throws undoes all. Settles when the change is on disk. */
  async write(work: (run: RunSql) => void): Promise<void> {
    this.apply(work);
    await this.flush();
  }

  /** The same without waiting for the disk; `flush` does. */
  apply(work: (run: RunSql) => void): void {
    if (this.#failure !== undefined) throw this.#broken();
    try {
      this.#db.transaction(() => work((sql, ...values) => this.#db.query(sql).run(...values).changes))();
    } catch (thrown) {
      throw (thrown as { readonly code?: string }).code === 'SQLITE_FULL' ? noSpace(this.#path, thrown) : thrown;
    }
  }

  /** Settles when everything applied before the call is on disk. @throws unavailable for ever once the disk has refused */
  flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#broken());
    if (this.#running === undefined) {
      this.#running = this.#sync();
      return this.#running;
    }
    // The sync under way may have begun before the caller's change.
    this.#next ??= this.#running.then(
      () => this.#follow(),
      () => this.#follow(),
    );
    return this.#next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.catch(() => {});
    await this.#next?.catch(() => {});
    closeSync(this.#log);
    this.#db.close();
  }

  #follow(): Promise<void> {
    this.#next = undefined;
    this.#running = this.#sync();
    return this.#running;
  }

  async #sync(): Promise<void> {
    try {
      await addon.fsync(this.#log);
    } catch (thrown) {
      this.#failure = thrown;
    } finally {
      this.#running = undefined;
    }
    if (this.#failure !== undefined) throw this.#broken();
  }

  #broken(): Error {
    return fault('unavailable', `database ${this.#path}: the disk did not take the log`, this.#failure);
  }
}

const noSpace = (path: string, cause: unknown) => fault('resource_exhausted', `database ${path}: no space left`, cause);

function userVersion(db: Database): number {
  const row = db.query('PRAGMA user_version').get() as { readonly user_version: number };
  return row.user_version;
}

/**
 * A write makes sure that there is a log to sync, and that the disk takes writes at all. A full one does not, yet what is there can be
 * read, and each change will say so itself.
 */
function touch(db: Database): void {
  try {
    // What the log holds goes to its place, so that the log begins anew and takes no more room than it has.
    db.query('PRAGMA wal_checkpoint(PASSIVE)').get();
    db.run(`PRAGMA user_version=${userVersion(db) ^ 1}`);
  } catch (thrown) {
    if ((thrown as { readonly code?: string }).code !== 'SQLITE_FULL') throw thrown;
  }
}
