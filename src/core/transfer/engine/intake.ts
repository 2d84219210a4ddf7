import { isFault } from '#base/errors';
import type { ContentStore, ContentWriter } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { Labels } from '#core/labels';
import { type Scope, scopeOf } from '#core/scope';
import { KeyedLock, type Limiter } from '#core/transfer/limiter';
import type { ProgressBoard } from '#core/transfer/progress';
import { refKey } from '#core/transfer/references';
import { GrowingFile } from './growing-file.ts';
import { openWriter } from './open-writer.ts';

/** What is to be brought into the store, and from where. */
export interface BlobOrder {
  readonly descriptor: Descriptor;
  /** The bytes from an offset on: exactly as many as the descriptor says. */
  readonly source: (offset: number, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  /** Asked for once the blob is known in full. `known`: what it has already. */
  readonly labels: (known: Labels) => Labels;
}

/** A blob on its way. `file` and `done` must both be listened to; they reject together. */
export interface IncomingBlob {
  readonly descriptor: Descriptor;
  /** The file in which it grows; `undefined` when the blob is there already or the store has no files. */
  readonly file: Promise<GrowingFile | undefined>;
  /** Settles when the blob is in the store, checked and durable. */
  readonly done: Promise<void>;
}

/**
 * Brings blobs into the store: each once, however many transfers want it at the same time. A transfer that finds another one at
 * work on a blob waits, and goes on from there when that one fails. What an aborted one has written stays for the next.
 */
export class Intake {
  readonly #content: ContentStore;
  readonly #places: Limiter;
  readonly #lock = new KeyedLock();

  constructor(content: ContentStore, places: Limiter) {
    this.#content = content;
    this.#places = places;
  }

  bring(scope: Scope, order: BlobOrder, board: ProgressBoard): IncomingBlob {
    const file = Promise.withResolvers<GrowingFile | undefined>();
    const done = this.#bring(scope, order, board, file.resolve).then(() => file.resolve(undefined));
    done.catch(file.reject);
    file.promise.catch(() => {}); // not everybody follows the file; all wait for `done`
    return { descriptor: order.descriptor, file: file.promise, done };
  }

  async #bring(scope: Scope, order: BlobOrder, board: ProgressBoard, tell: (file: GrowingFile) => void): Promise<void> {
    const { descriptor } = order;
    const name = refKey(descriptor);
    board.set(name, { event: 'waiting', total: descriptor.size, descriptor });
    // First the lock and then a place: who has a place never waits for one who has none.
    using _lock = await this.#lock.enter(descriptor.digest, scope.signal);
    const options = { total: descriptor.size, expected: descriptor.digest };
    const writer = await openWriter(this.#content, scope, name, options);
    if (writer === undefined) {
      await this.#relabel(scope, order);
      board.set(name, { event: 'already exists', progress: descriptor.size });
      return;
    }
    try {
      await this.#fill(scope, writer, order, board, tell);
    } catch (error) {
      await this.#giveUp(scope, writer, error).catch(keepFirst(error));
      throw error;
    }
    board.set(name, { event: 'complete', progress: descriptor.size });
  }

  /** What has come is kept for the next attempt, unless it is proven wrong, nothing at all, or the disk is full of it. */
  async #giveUp(scope: Scope, writer: ContentWriter, error: unknown): Promise<void> {
    const { ref, offset } = writer.status();
    const full = isFault(error, 'resource_exhausted') || isFault(scope.signal.reason, 'resource_exhausted');
    const keep = offset > 0 && !full && !isFault(error, 'failed_precondition');
    // Makes room without asking the database, which may have none; a daemon elsewhere does so by itself.
    if (!keep && offset > 0 && writer.path !== undefined) await writer.truncate(0);
    await writer[Symbol.asyncDispose]();
    if (!keep) await this.#content.abort(scopeOf(scope.namespace), ref);
  }

  async #fill(
    scope: Scope,
    writer: ContentWriter,
    order: BlobOrder,
    board: ProgressBoard,
    tell: (file: GrowingFile) => void,
  ): Promise<void> {
    const { descriptor } = order;
    const { size, digest } = descriptor;
    if (writer.status().offset > size) await writer.truncate(0);
    if (writer.status().offset < size) await this.#receive(scope, writer, order, board, tell);
    try {
      await writer.commit(size, digest, order.labels({}));
    } catch (error) {
      if (!isFault(error, 'already_exists')) throw error;
      await this.#relabel(scope, order); // a client has put it there meanwhile
    }
  }

  async #receive(
    scope: Scope,
    writer: ContentWriter,
    order: BlobOrder,
    board: ProgressBoard,
    tell: (file: GrowingFile) => void,
  ): Promise<void> {
    using _place = await this.#places.enter(scope.signal);
    const name = refKey(order.descriptor);
    let { offset } = writer.status();
    const file = writer.path === undefined ? undefined : await GrowingFile.open(writer.path, offset);
    try {
      if (file !== undefined) tell(file);
      board.set(name, { event: 'downloading', progress: offset });
      for await (const chunk of order.source(offset, scope.signal)) {
        await writer.write(chunk);
        offset += chunk.length;
        file?.grow(offset);
        board.set(name, { progress: offset });
      }
      await file?.finish();
    } finally {
      await file?.abandon();
    }
  }

  async #relabel(scope: Scope, order: BlobOrder): Promise<void> {
    const { digest } = order.descriptor;
    const info = await this.#content.info(scope, digest);
    const labels = order.labels(info.labels);
    const changed = Object.keys(labels).filter((key) => labels[key] !== info.labels[key]);
    if (changed.length === 0) return;
    await this.#content.update(
      scope,
      { digest, labels },
      changed.map((key) => `labels.${key}`),
    );
  }
}

/** For clean-up after a failure: whatever goes wrong now, the failure itself is what must be told. */
function keepFirst(first: unknown): (second: unknown) => void {
  return (second) => {
    if (first instanceof Error && first.cause === undefined) first.cause = second;
  };
}
