import { Database } from 'bun:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * Moves the write-ahead log into the database, off the daemon's event loop: a thread that lives for one checkpoint.
 *
 * First without anybody waiting (`passive`: readers and the writer go on). Then, when the daemon says that it holds back its writes, what
 * came meanwhile, and one write of our own: the first write after a complete checkpoint starts the log anew, and SQLite syncs the new
 * header before it overwrites old frames. That wait belongs here and not on the event loop.
 */
const port = parentPort;
if (port === null) throw new Error('checkpoint.worker.ts runs as a worker only');
const db = new Database(workerData as string, { readwrite: true });
db.run('PRAGMA synchronous=NORMAL');
db.run('PRAGMA busy_timeout=2000');
db.run('PRAGMA wal_autocheckpoint=0');
db.query('PRAGMA wal_checkpoint(PASSIVE)').get();
port.once('message', () => {
  const state = db.query('PRAGMA wal_checkpoint(PASSIVE)').get() as {
    readonly log: number;
    readonly checkpointed: number;
  };
  if (state.log === state.checkpointed) db.run(`UPDATE counters SET value = value + 1 WHERE name = 'checkpoint'`);
  db.close();
  port.postMessage('done');
  port.close();
});
port.postMessage('ready');
