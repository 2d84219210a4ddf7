import { create } from '@bufbuild/protobuf';
import {
  WriteAction,
  type WriteContentRequest,
  type WriteContentResponse,
  WriteContentResponseSchema,
} from '#api/services/content/v1/content_pb';
import { alreadyExists, invalidArgument, isFault, outOfRange } from '#base/errors';
import type { ContentStore, ContentWriter } from '#core/content/content';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';
import { numberFromWire, timestampToWire } from '../values.ts';
import { someDigestFromWire } from './convert.ts';

/**
 * One ingest as a conversation: each request is answered before the next is read. Ends after a commit, or when the client has no more
 * to say; what was written stays for a later resume then, and the ref is free again.
 */
export async function* serveWrite(
  store: ContentStore,
  scope: Scope,
  requests: AsyncIterable<WriteContentRequest>,
): AsyncGenerator<WriteContentResponse> {
  let session: Session | undefined;
  try {
    for await (const request of requests) {
      if (session === undefined) session = await Session.open(store, scope, request);
      else await session.listen(request);
      yield await session.answer(request);
      if (request.action === WriteAction.COMMIT) return;
    }
  } finally {
    await session?.writer[Symbol.asyncDispose]();
  }
}

class Session {
  readonly writer: ContentWriter;
  readonly #store: ContentStore;
  readonly #scope: Scope;
  #total: number;
  #expected: Digest | undefined;

  private constructor(store: ContentStore, scope: Scope, writer: ContentWriter, told: Told) {
    this.#store = store;
    this.#scope = scope;
    this.writer = writer;
    this.#total = told.total;
    this.#expected = told.expected;
  }

  static async open(store: ContentStore, scope: Scope, request: WriteContentRequest): Promise<Session> {
    if (request.ref === '') throw invalidArgument('first message must have a reference');
    const told = toldBy(request);
    const { total, expected } = told;
    const writer = await store.writer(scope, request.ref, { total, ...(expected !== undefined && { expected }) });
    return new Session(store, scope, writer, told);
  }

  /** What a later message says of the blob as a whole. @throws already_exists, and then the ingest is gone */
  async listen(request: WriteContentRequest): Promise<void> {
    const { ref } = this.writer.status();
    if (request.ref !== '' && request.ref !== ref)
      throw invalidArgument(`ref ${JSON.stringify(request.ref)}: this ingest is ${ref}`);
    const { total, expected } = toldBy(request);
    if (total > 0) this.#total = total;
    if (expected === undefined) return;
    this.#expected = expected;
    if (!(await this.#has(expected))) return;
    await this.writer[Symbol.asyncDispose]();
    await this.#store.abort(this.#scope, ref);
    throw alreadyExists(`blob with expected digest ${expected}`);
  }

  async answer(request: WriteContentRequest): Promise<WriteContentResponse> {
    switch (request.action) {
      case WriteAction.STAT:
        return this.#stat();
      case WriteAction.WRITE:
        await this.#write(request);
        return this.#reply(WriteAction.WRITE, this.writer.digest());
      case WriteAction.COMMIT: {
        await this.#write(request);
        const offset = this.writer.status().offset;
        const digest = await this.writer.commit(this.#total, this.#expected, request.labels);
        return create(WriteContentResponseSchema, { action: WriteAction.COMMIT, offset: BigInt(offset), digest });
      }
      default:
        throw invalidArgument(`write action ${request.action}`);
    }
  }

  #stat(): WriteContentResponse {
    const { startedAt, updatedAt } = this.writer.status();
    const reply = this.#reply(WriteAction.STAT, this.writer.digest());
    reply.startedAt = timestampToWire(startedAt);
    reply.updatedAt = timestampToWire(updatedAt);
    reply.total = BigInt(this.#total);
    return reply;
  }

  async #write({ offset, data }: WriteContentRequest): Promise<void> {
    const present = this.writer.status().offset;
    if (offset === 0n && present > 0) await this.writer.truncate(0);
    else if (offset !== BigInt(present)) throw outOfRange(`write @${offset} must occur at current offset ${present}`);
    if (data.byteLength > 0) await this.writer.write(data);
  }

  #reply(action: WriteAction, digest: Digest): WriteContentResponse {
    return create(WriteContentResponseSchema, { action, offset: BigInt(this.writer.status().offset), digest });
  }

  async #has(digest: Digest): Promise<boolean> {
    try {
      await this.#store.info(this.#scope, digest);
      return true;
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return false;
      throw thrown;
    }
  }
}

interface Told {
  readonly total: number;
  readonly expected: Digest | undefined;
}

function toldBy({ total, expected }: WriteContentRequest): Told {
  return { total: Math.max(0, numberFromWire(total, 'total')), expected: someDigestFromWire(expected) };
}
