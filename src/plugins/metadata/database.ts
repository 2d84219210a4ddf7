import { constants, Database, SQLiteError, type SQLQueryBindings, type Statement } from 'bun:sqlite';
import type { Any } from '#base/any';
import { type ErrorClass, fault, wrap } from '#base/errors';
import { failpoint, failpointNow } from '#base/failpoints';
import type { Log } from '#base/log';
import type { Events } from '#core/events/events';
import type { Node } from '#core/gc/node';
import type { Mutation } from '#core/metadata';
import { Checkpointer } from './checkpointer.ts';
import { migrate } from './schema.ts';
import { WalSync } from './wal-sync.ts';

/** What a change tells the others, besides what it writes. */
export interface Change {
  /** This object was made, or refers to something new: a collection that is under way must look at it again. */
  touch(node: Node): void;
  /** Something may have become garbage. */
  deletion(): void;
  /** What was written expires then; nothing for `undefined`. */
  expires(atMs: number | undefined): void;
  /** Published when the change is durable. */
  announce(namespace: string, topic: string, event: Any): void;
}

export interface DatabaseOptions {
  readonly log: Log;
  readonly events?: Pick<Events, 'publish'>;
  /** False: nobody waits for the disk, so that a test may repeat every turn of the event loop. */
  readonly durable?: boolean;
}

/** What follows a change. */
export interface ChangeListener {
  /** Called at once after the commit, before anything else can run. */
  touched?(nodes: readonly Node[]): void;
  changed?(change: Mutation): void;
}

/**
 * The metadata file: one connection, used on the event loop. See docs/decisions for why.
 *
 * Reads see every committed change at once. `write` is the only way to change anything: its function runs in one go, as a transaction, and the
 * promise settles when the change would survive a power cut.
 */
export class MetaDatabase implements AsyncDisposable {
  readonly #db: Database;
  readonly #log: Log;
  readonly #events: Pick<Events, 'publish'> | undefined;
  readonly #sync: WalSync;
  readonly #checkpointer: Checkpointer;
  readonly #durable: boolean;
  readonly #statements = new Map<string, Statement>();
  #version = 0;
  readonly #listeners = new Set<ChangeListener>();
  #gate: Promise<void> | undefined;

  private constructor(db: Database, sync: WalSync, path: string, { log, events, durable = true }: DatabaseOptions) {
    this.#durable = durable;
    this.#db = db;
    this.#sync = sync;
    this.#log = log;
    this.#events = events;
    this.#checkpointer = new Checkpointer({
      path,
      log,
      logSize: () => sync.size(),
      hold: (work) => this.#hold(work),
    });
  }

  /** Opens the file, making or migrating it if need be. @throws failed_precondition when a newer program made it; whatever SQLite says */
  static async open(path: string, options: DatabaseOptions): Promise<MetaDatabase> {
    let db: Database | undefined;
    try {
      db = new Database(path, { create: true, readwrite: true });
      db.run('PRAGMA journal_mode=WAL');
      db.run('PRAGMA synchronous=NORMAL');
      db.run('PRAGMA wal_autocheckpoint=0');
      db.run('PRAGMA busy_timeout=5000');
      db.run('PRAGMA cache_size=-8000');
      // Halves the time of a long list. An unreadable disk ends the process then, as it does with every mapped file.
      db.run('PRAGMA mmap_size=268435456');
      // The log stays when it is closed: on a full disk it could not be made again, and the next start would fail.
      db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
      migrate(db);
      touch(db);
      return new MetaDatabase(db, await WalSync.open(`${path}-wal`), path, options);
    } catch (thrown) {
      db?.close();
      throw wrap(fromSqlite(thrown), path);
    }
  }

  /** Another number after every statement that may have changed something: what was read at the same number is still so. */
  get version(): number {
    return this.#version;
  }

  /** Rows as arrays, in the order of the selected columns. The statement is compiled once and kept: texts must not vary with values. */
  rows<T extends readonly unknown[]>(sql: string, ...values: SQLQueryBindings[]): T[] {
    return this.#statement(sql).values(...values) as unknown as T[];
  }

  /** The first row, if there is one. */
  row<T extends readonly unknown[]>(sql: string, ...values: SQLQueryBindings[]): T | undefined {
    return this.rows<T>(sql, ...values)[0];
  }

  has(sql: string, ...values: SQLQueryBindings[]): boolean {
    return this.#statement(sql).values(...values).length > 0;
  }

  /** Runs one statement that changes something: only inside `write`. Gives the number of rows changed. */
  run(sql: string, ...values: SQLQueryBindings[]): number {
    this.#version++;
    return this.#statement(sql).run(...values).changes;
  }

  /**
   * Runs `work` as one transaction, without a break; whatever it throws undoes all. Settles when the change is durable and announced.
   * Costs some 30 µs of the event loop, and a share of an fdatasync.
   */
  async write<T>(work: (change: Change) => T): Promise<T> {
    const { result, effects } = await this.#transact(work);
    for (const { changed } of this.#listeners) changed?.(effects.mutation());
    await failpoint?.('metadata.transaction.committed');
    await this.flush();
    await failpoint?.('metadata.transaction.durable');
    await this.#announce(effects.announcements);
    return result;
  }

  /** The same without waiting for the disk or counting as a change: for the forerunners of one that is waited for, and for collections. */
  async writeLazily<T>(work: (change: Change) => T): Promise<T> {
    const { result, effects } = await this.#transact(work);
    await this.#announce(effects.announcements);
    return result;
  }

  /** Has a collection that is under way look at what changed without a row of its own. */
  touch(node: Node): void {
    for (const { touched } of this.#listeners) touched?.([node]);
  }

  /** Settles when all that was written so far is durable. */
  flush(): Promise<void> {
    return this.#durable ? this.#sync.flush() : Promise.resolve();
  }

  listen(listener: ChangeListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Moves the log into the database now. */
  checkpoint(): Promise<void> {
    return this.#checkpointer.run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#checkpointer[Symbol.asyncDispose]();
    await this.#sync.close();
    // A statement that is left keeps the connection open, and its log unmoved, until it is collected.
    for (const statement of this.#statements.values()) statement.finalize();
    this.#db.close(true);
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  async #transact<T>(work: (change: Change) => T): Promise<{ readonly result: T; readonly effects: Effects }> {
    while (this.#gate !== undefined) await this.#gate;
    if (this.#sync.failed()) await this.#sync.flush();
    const effects = new Effects();
    let result: T;
    this.run('BEGIN IMMEDIATE');
    try {
      result = work(effects);
      failpointNow?.('metadata.transaction.open');
      this.run('COMMIT');
    } catch (thrown) {
      if (this.#db.inTransaction) this.run('ROLLBACK');
      throw fromSqlite(thrown);
    }
    for (const { touched } of this.#listeners) touched?.(effects.nodes);
    this.#checkpointer.written();
    return { result, effects };
  }

  async #announce(announcements: Effects['announcements']): Promise<void> {
    for (const { namespace, topic, event } of announcements) {
      // The change is made and acknowledged; a listener's trouble cannot undo it.
      await this.#events?.publish(namespace, topic, event).catch((thrown: unknown) => {
        this.#log.error('event not published', { namespace, topic, error: thrown });
      });
    }
  }

  /** Holds back all writes while `work` runs; reads go on. */
  async #hold(work: () => Promise<void>): Promise<void> {
    const open = Promise.withResolvers<void>();
    this.#gate = open.promise;
    try {
      await work();
    } finally {
      this.#gate = undefined;
      open.resolve();
    }
  }
}

/** What SQLite says, in our classes: a full disk is not the caller's fault, a damaged file nobody's. */
function fromSqlite(thrown: unknown): unknown {
  if (!(thrown instanceof SQLiteError)) return thrown;
  const found = sqliteClasses.find(([code]) => thrown.code?.startsWith(code));
  return fault(found?.[1] ?? 'internal', `metadata: ${thrown.message}`, thrown);
}

const sqliteClasses: readonly (readonly [string, ErrorClass])[] = [
  ['SQLITE_FULL', 'resource_exhausted'],
  ['SQLITE_BUSY', 'unavailable'],
  ['SQLITE_IOERR', 'unavailable'],
  ['SQLITE_CORRUPT', 'data_loss'],
  ['SQLITE_NOTADB', 'data_loss'],
];

class Effects implements Change {
  readonly nodes: Node[] = [];
  readonly announcements: { readonly namespace: string; readonly topic: string; readonly event: Any }[] = [];
  deleted = false;
  #expiresAtMs: number | undefined;

  touch(node: Node): void {
    this.nodes.push(node);
  }

  deletion(): void {
    this.deleted = true;
  }

  expires(atMs: number | undefined): void {
    if (atMs !== undefined) this.#expiresAtMs = Math.min(this.#expiresAtMs ?? atMs, atMs);
  }

  mutation(): Mutation {
    const at = this.#expiresAtMs;
    return at === undefined ? { deletion: this.deleted } : { deletion: this.deleted, expiresAtMs: at };
  }

  announce(namespace: string, topic: string, event: Any): void {
    this.announcements.push({ namespace, topic, event });
  }
}

/**
 * A write makes sure that there is a log to sync, and that the disk takes writes at all. A full one does not, yet what is there can be
 * read, and each change will say so itself.
 */
function touch(db: Database): void {
  try {
    // What the log holds goes to its place, so that the log begins anew and takes no more room than it has.
    db.query('PRAGMA wal_checkpoint(PASSIVE)').get();
    db.run(`UPDATE counters SET value = value WHERE name = 'sequence'`);
  } catch (thrown) {
    if (!(thrown instanceof SQLiteError) || thrown.code !== 'SQLITE_FULL') throw thrown;
  }
}
