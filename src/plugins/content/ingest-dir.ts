import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failpoint } from '#base/failpoints';
import { formatTimestamp, fromMillis, parseTimestamp, type Timestamp } from '#base/timestamp';
import type { IngestStatus } from '#core/content/content';

/**
 * One ingest on disk: `<root>/ingest/<sha256 of the ref>/` with
 * ```
 * ref         the ref; a directory without it is the remains of a crash
 * data        the bytes so far
 * startedat   RFC 3339
 * updatedat   RFC 3339, when the last writer let go
 * total       decimal, 0 for unknown
 * ```
 */
export class IngestDir {
  readonly path: string;
  readonly dataPath: string;

  constructor(ingestRoot: string, ref: string) {
    this.path = join(ingestRoot, createHash('sha256').update(ref).digest('hex'));
    this.dataPath = join(this.path, 'data');
  }

  /** Makes the directory and all its files, or completes what a crash left of them. A full disk leaves nothing behind. */
  async create(status: IngestStatus): Promise<void> {
    try {
      await mkdir(this.path, { recursive: true, mode: 0o700 });
      await failpoint?.('content.ingest.directory');
      await this.#write('ref', status.ref);
      await this.#write('startedat', formatTimestamp(status.startedAt));
      await this.#write('total', String(status.total));
      await this.#write('updatedat', formatTimestamp(status.updatedAt));
      await (await open(this.dataPath, 'a', 0o600)).close();
      await failpoint?.('content.ingest.made');
    } catch (thrown) {
      await rm(this.path, { recursive: true, force: true });
      throw thrown;
    }
  }

  /** What is there; `undefined` when nothing is, or nothing that can be resumed. */
  read(): Promise<IngestStatus | undefined> {
    return readIngest(this.path);
  }

  /** Best effort: a full disk must not keep a writer from letting go, and the moment is only for show. */
  async touch(status: IngestStatus): Promise<void> {
    await this.#write('updatedat', formatTimestamp(status.updatedAt)).catch(() => {});
    await this.#write('total', String(status.total)).catch(() => {});
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  async #write(name: string, text: string): Promise<void> {
    await writeFile(join(this.path, name), text, { mode: 0o600 });
  }
}

/** All ingests that can be resumed. */
export async function* readIngests(ingestRoot: string): AsyncIterable<IngestStatus> {
  for (const name of await readdir(ingestRoot)) {
    const status = await readIngest(join(ingestRoot, name));
    if (status !== undefined) yield status;
  }
}

/** Removes directories that a crash left before they had a ref: nobody could name them. Gives their number. */
export async function removeNameless(ingestRoot: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(ingestRoot)) {
    if ((await textOf(join(ingestRoot, name, 'ref'))) !== '') continue;
    await rm(join(ingestRoot, name), { recursive: true, force: true });
    removed++;
  }
  return removed;
}

async function readIngest(path: string): Promise<IngestStatus | undefined> {
  const ref = await textOf(join(path, 'ref'));
  if (ref === '') return undefined;
  const data = await stat(join(path, 'data')).catch(ifMissing);
  const fallback = fromMillis(data?.mtimeMs ?? Date.now());
  const startedAt = (await timeOf(join(path, 'startedat'))) ?? fallback;
  const total = Number.parseInt(await textOf(join(path, 'total')), 10);
  return {
    ref,
    offset: data?.size ?? 0,
    total: Number.isSafeInteger(total) && total > 0 ? total : 0,
    startedAt,
    updatedAt: (await timeOf(join(path, 'updatedat'))) ?? fallback,
  };
}

async function timeOf(path: string): Promise<Timestamp | undefined> {
  return parseTimestamp((await textOf(path)).trim());
}

/** Empty when there is no such file. */
async function textOf(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(ifMissing)) ?? '';
}

function ifMissing(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code !== 'ENOENT' && thrown.code !== 'ENOTDIR') throw thrown;
  return undefined;
}
