import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type Content,
  WriteAction,
  type WriteContentRequestSchema,
  type WriteContentResponse,
  type WriteContentResponseSchema,
} from '#api/services/content/v1/content_pb';
import { internal, notImplemented } from '#base/errors';
import { now } from '#base/timestamp';
import type { ContentWriter, IngestStatus, WriterOptions } from '#core/content/content';
import { checkTruncate } from '#core/content/content-rules';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';
import { type Digest, parseDigest } from '#lib/digest';
import { type DuplexCall, type GrpcClient, withScope } from '../grpc-client.ts';
import { numberFromWire, timestampFromWire } from '../values.ts';

/** Most bytes in one message: half of what a message may have. */
const chunkBytes = 8 << 20;

type Conversation = DuplexCall<typeof WriteContentRequestSchema, typeof WriteContentResponseSchema>;
type Request = MessageInitShape<typeof WriteContentRequestSchema>;

/** Opens an ingest in a daemon, as ContentStore.writer has it. */
export async function openRemoteWriter(
  client: GrpcClient<typeof Content>,
  scope: Scope,
  ref: string,
  { total = 0, expected }: WriterOptions,
): Promise<ContentWriter> {
  const call = client.write(withScope(scope));
  try {
    const first = { action: WriteAction.STAT, ref, total: BigInt(total), expected: expected ?? '' };
    const reply = await ask(call, first);
    const status = {
      ref,
      offset: numberFromWire(reply.offset, 'offset'),
      total: numberFromWire(reply.total, 'total'),
      ...(expected !== undefined && { expected }),
      startedAt: timestampFromWire(reply.startedAt),
      updatedAt: timestampFromWire(reply.updatedAt),
    };
    return new RemoteWriter(call, status, parseDigest(reply.digest));
  } catch (thrown) {
    call[Symbol.dispose]();
    throw thrown;
  }
}

async function ask(call: Conversation, request: Request): Promise<WriteContentResponse> {
  await call.send(request);
  return answer(call);
}

async function answer(call: Conversation): Promise<WriteContentResponse> {
  const { done, value } = await call.next();
  if (done) throw internal('the daemon ended an ingest without an answer');
  return value;
}

class RemoteWriter implements ContentWriter {
  readonly path = undefined;
  readonly #call: Conversation;
  #status: IngestStatus;
  #digest: Digest;

  constructor(call: Conversation, status: IngestStatus, digest: Digest) {
    this.#call = call;
    this.#status = status;
    this.#digest = digest;
  }

  status(): IngestStatus {
    return this.#status;
  }

  digest(): Digest {
    return this.#digest;
  }

  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.byteLength; at += chunkBytes) await this.#append(data.subarray(at, at + chunkBytes));
  }

  async truncate(size: number): Promise<void> {
    checkTruncate(size, this.#status.offset);
    if (size === this.#status.offset) return;
    // On the wire offset 0 is the only one besides the present one, and it means to start again.
    if (size > 0) throw notImplemented(`cut an ingest to ${size} bytes in a daemon`);
    await this.#append(new Uint8Array(0), 0);
  }

  async commit(size: number, expected: Digest | undefined, labels: Labels = {}): Promise<Digest> {
    await this.#call.send({
      action: WriteAction.COMMIT,
      offset: BigInt(this.#status.offset),
      total: BigInt(size),
      expected: expected ?? '',
      labels: { ...labels },
    });
    // Whatever comes of it, it is the last. A Go server that ends first resets the stream, and its end is lost at times.
    this.#call.end();
    const reply = await answer(this.#call);
    await this[Symbol.asyncDispose]();
    return parseDigest(reply.digest);
  }

  /** Waits until the daemon has let go of the ref. */
  async [Symbol.asyncDispose](): Promise<void> {
    using call = this.#call;
    call.end();
    try {
      for await (const _ of call);
    } catch {
      // Whoever was waiting for an answer has been told; for the rest it is enough that the call is over.
    }
  }

  async #append(data: Uint8Array, offset = this.#status.offset): Promise<void> {
    const reply = await ask(this.#call, {
      action: WriteAction.WRITE,
      offset: BigInt(offset),
      data: data as Uint8Array<ArrayBuffer>,
    });
    this.#status = { ...this.#status, offset: numberFromWire(reply.offset, 'offset'), updatedAt: now() };
    this.#digest = parseDigest(reply.digest);
  }
}
