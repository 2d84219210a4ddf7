import { constants } from 'node:fs';
import { access, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { alreadyExists, failedPrecondition, isFault, notFound, wrap } from '#base/errors';
import { failpoint } from '#base/failpoints';
import type { Log } from '#base/log';
import { fromMillis, now, type Timestamp } from '#base/timestamp';
import type {
  BlobInfo,
  BlobReader,
  ContentStore,
  ContentWriter,
  IngestStatus,
  WriterOptions,
} from '#core/content/content';
import { blobFields, checkRef, ingestFields, refLocked } from '#core/content/content-rules';
import type { Scope } from '#core/scope';
import { type Algorithm, algorithmOf, type Digest, encodedOf, isDigest } from '#lib/digest';
import { parseFilters } from '#lib/filters/filter';
import { hashFile } from './hashing.ts';
import { IngestDir, readIngests, removeNameless } from './ingest-dir.ts';
import { LocalWriter } from './local-writer.ts';
import { OpenBlobs } from './open-blobs.ts';

const algorithms: readonly Algorithm[] = ['sha256', 'sha384', 'sha512'];

/** Opens the store in that directory, making it if need be. What a crash left half made and nobody could name is removed. */
export async function openLocalStore(root: string, log: Log): Promise<ContentStore> {
  const store = new LocalStore(root);
  for (const algorithm of algorithms) {
    await mkdir(join(root, 'blobs', algorithm), { recursive: true, mode: 0o755 });
  }
  await mkdir(store.ingestRoot, { recursive: true, mode: 0o700 });
  const removed = await removeNameless(store.ingestRoot);
  if (removed > 0) log.info('removed ingests that a crash left without a name', { removed });
  return store;
}

/**
 * Blobs at `blobs/<algorithm>/<hex>` (0444), ingests as IngestDir describes. Knows neither namespaces nor labels.
 *
 * Durability: the data file is synced before it is renamed into `blobs`, and the directory after it.
 */
class LocalStore implements ContentStore {
  readonly ingestRoot: string;
  readonly #root: string;
  readonly #open = new OpenBlobs();
  readonly #locks = new Map<string, { readonly since: Timestamp; writer?: ContentWriter }>();

  constructor(root: string) {
    this.#root = root;
    this.ingestRoot = join(root, 'ingest');
  }

  async info(_: Scope, digest: Digest): Promise<BlobInfo> {
    return this.#info(digest);
  }

  async update(_: Scope, info: Pick<BlobInfo, 'digest'>): Promise<BlobInfo> {
    await this.#info(info.digest);
    throw failedPrecondition('update not supported on immutable content store');
  }

  async *walk(_: Scope, filters: readonly string[] = []): AsyncIterable<BlobInfo> {
    const filter = parseFilters(filters);
    for (const algorithm of algorithms) {
      for (const name of await readdir(join(this.#root, 'blobs', algorithm))) {
        const digest = `${algorithm}:${name}`;
        if (!isDigest(digest)) continue;
        const info = await this.#info(digest).catch(ifDeleted);
        if (info !== undefined && filter.match(blobFields(info))) yield info;
      }
    }
  }

  async delete(_: Scope, digest: Digest): Promise<void> {
    const path = this.#pathOf(digest);
    await unlink(path).catch(throwNotFound(digest));
    await failpoint?.('content.delete.unlinked');
    await this.#open.forget(path);
  }

  async open(_: Scope, digest: Digest): Promise<BlobReader> {
    const path = this.#pathOf(digest);
    const held = await this.#open.hold(path).catch(throwNotFound(digest));
    return {
      size: held.size,
      path,
      read: (offset, length) => held.read(offset, length),
      [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
    };
  }

  async status(_: Scope, ref: string): Promise<IngestStatus> {
    const status = await this.#status(ref);
    if (status === undefined) throw notFound(`ingest ref ${JSON.stringify(ref)}`);
    return status;
  }

  async statuses(_: Scope, filters: readonly string[] = []): Promise<readonly IngestStatus[]> {
    const filter = parseFilters(filters);
    const found: IngestStatus[] = [];
    for await (const status of readIngests(this.ingestRoot)) {
      if (filter.match(ingestFields(status))) found.push(this.#locks.get(status.ref)?.writer?.status() ?? status);
    }
    return found;
  }

  async writer(_: Scope, ref: string, options: WriterOptions = {}): Promise<ContentWriter> {
    checkRef(ref);
    const holder = this.#locks.get(ref);
    if (holder !== undefined) throw refLocked(ref, holder.since);
    const lock: { readonly since: Timestamp; writer?: ContentWriter } = { since: now() };
    this.#locks.set(ref, lock);
    try {
      if (options.expected !== undefined && (await exists(this.#pathOf(options.expected)))) {
        throw alreadyExists(`content ${options.expected}`);
      }
      lock.writer = await this.#openWriter(ref, options);
      return lock.writer;
    } catch (thrown) {
      this.#locks.delete(ref);
      throw wrap(thrown, `ingest ${ref}`);
    }
  }

  async abort(_: Scope, ref: string): Promise<void> {
    const holder = this.#locks.get(ref);
    if (holder !== undefined) throw refLocked(ref, holder.since);
    this.#locks.set(ref, { since: now() });
    try {
      const dir = new IngestDir(this.ingestRoot, ref);
      if ((await dir.read()) === undefined) throw notFound(`ingest ref ${JSON.stringify(ref)}`);
      await failpoint?.('content.abort.removing');
      await dir.remove();
    } finally {
      this.#locks.delete(ref);
    }
  }

  async #openWriter(ref: string, { total = 0, expected }: WriterOptions): Promise<ContentWriter> {
    const dir = new IngestDir(this.ingestRoot, ref);
    const at = now();
    const left = await dir.read();
    const status = left ?? { ref, offset: 0, total, startedAt: at, updatedAt: at };
    if (left === undefined) await dir.create(status);
    const file = await open(dir.dataPath, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const digester = await hashFile(file, status.offset, expected === undefined ? 'sha256' : algorithmOf(expected));
      const home = {
        dir,
        publish: (digest: Digest) => this.#publish(dir, digest),
        release: () => void this.#locks.delete(ref),
      };
      return new LocalWriter(home, file, digester, { ...status, total: total > 0 ? total : status.total });
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  async #publish(dir: IngestDir, digest: Digest): Promise<void> {
    const path = this.#pathOf(digest);
    if (await exists(path)) {
      await dir.remove();
      throw alreadyExists(`content ${digest}`);
    }
    await rename(dir.dataPath, path);
    await failpoint?.('content.commit.renamed');
    await syncDirectory(join(path, '..'));
    await failpoint?.('content.commit.published');
    await dir.remove();
  }

  async #status(ref: string): Promise<IngestStatus | undefined> {
    return this.#locks.get(ref)?.writer?.status() ?? (await new IngestDir(this.ingestRoot, ref).read());
  }

  async #info(digest: Digest): Promise<BlobInfo> {
    const { size, mtimeMs } = await stat(this.#pathOf(digest)).catch(throwNotFound(digest));
    const at = fromMillis(mtimeMs);
    return { digest, size, createdAt: at, updatedAt: at, labels: {} };
  }

  #pathOf(digest: Digest): string {
    return join(this.#root, 'blobs', algorithmOf(digest), encodedOf(digest));
  }
}

const throwNotFound = (digest: Digest) => (thrown: NodeJS.ErrnoException) => {
  throw thrown.code === 'ENOENT' ? notFound(`content ${digest}`) : wrap(thrown, `content ${digest}`);
};

/** A blob may go while others are listed. */
function ifDeleted(thrown: unknown): undefined {
  if (!isFault(thrown, 'not_found')) throw thrown;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    (thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOENT') throw thrown;
      return false;
    },
  );
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
