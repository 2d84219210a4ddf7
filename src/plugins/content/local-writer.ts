import type { FileHandle } from 'node:fs/promises';
import { dataLoss, failedPrecondition, wrap } from '#base/errors';
import { failpoint } from '#base/failpoints';
import { now } from '#base/timestamp';
import type { ContentWriter, IngestStatus } from '#core/content/content';
import { checkCommit, checkTruncate } from '#core/content/content-rules';
import type { Labels } from '#core/labels';
import { algorithmOf, type Digest, type Digester } from '#lib/digest';
import { hashFile, hashInSlices } from './hashing.ts';
import type { IngestDir } from './ingest-dir.ts';

/** What a writer needs of its store. */
export interface WriterHome {
  readonly dir: IngestDir;
  /** Moves the synced data file to its place, durably. @throws already_exists */
  publish(digest: Digest): Promise<void>;
  /** Gives the ref free. */
  release(): void;
}

/** Appends to an ingest's data file and hashes on the way. */
export class LocalWriter implements ContentWriter {
  readonly path: string;
  readonly #home: WriterHome;
  readonly #file: FileHandle;
  #digester: Digester;
  #status: IngestStatus;
  #open = true;

  constructor(home: WriterHome, file: FileHandle, digester: Digester, status: IngestStatus) {
    this.path = home.dir.dataPath;
    this.#home = home;
    this.#file = file;
    this.#digester = digester;
    this.#status = status;
  }

  status(): IngestStatus {
    return this.#status;
  }

  digest(): Digest {
    return this.#digester.digest();
  }

  async write(data: Uint8Array): Promise<void> {
    this.#requireOpen();
    // The file is written by the thread pool while this thread hashes.
    const [written] = await Promise.allSettled([
      writeWhole(this.#file, data, this.#status.offset),
      hashInSlices(this.#digester, data),
    ]);
    if (written.status === 'rejected') {
      await this.#cut(this.#status.offset);
      throw wrap(written.reason, `ingest ${this.#status.ref}`);
    }
    await failpoint?.('content.write.chunk');
    this.#moved(this.#status.offset + data.length);
  }

  async truncate(size: number): Promise<void> {
    this.#requireOpen();
    checkTruncate(size, this.#status.offset);
    await this.#cut(size);
    this.#moved(size);
  }

  async commit(size: number, expected: Digest | undefined, labels: Labels = {}): Promise<Digest> {
    this.#requireOpen();
    if (Object.keys(labels).length > 0) throw failedPrecondition('this content store keeps no labels');
    const { ref, offset } = this.#status;
    if (expected !== undefined && algorithmOf(expected) !== this.#digester.algorithm) {
      this.#digester = await hashFile(this.#file, offset, algorithmOf(expected));
    }
    const digest = this.digest();
    checkCommit(ref, { size, digest: expected }, { size: offset, digest });
    await this.#file.chmod(0o444);
    await this.#file.sync();
    await failpoint?.('content.commit.synced');
    try {
      await this.#home.publish(digest);
    } finally {
      await this.#end();
    }
    return digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    await this.#home.dir.touch(this.#status);
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#open = false;
    try {
      await this.#file.close();
    } finally {
      this.#home.release();
    }
  }

  async #cut(size: number): Promise<void> {
    await this.#file.truncate(size);
    this.#digester = await hashFile(this.#file, size, this.#digester.algorithm);
  }

  #moved(offset: number): void {
    this.#status = { ...this.#status, offset, updatedAt: now() };
  }

  #requireOpen(): void {
    if (!this.#open) throw failedPrecondition(`ingest ${this.#status.ref}: writer is closed`);
  }
}

async function writeWhole(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
    if (bytesWritten === 0) throw dataLoss(`wrote ${done} of ${data.length} bytes`);
    done += bytesWritten;
  }
}
