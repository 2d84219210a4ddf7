import { Content } from '#api/services/content/v1/content_pb';
import { dataLoss } from '#base/errors';
import type { BlobInfo, BlobReader, ContentStore } from '#core/content/content';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';
import { clientOf, type GrpcClient, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { maskToWire } from '../values.ts';
import { infoFromWire, statusFromWire } from './convert.ts';
import { openRemoteWriter } from './remote-writer.ts';

/** A daemon's content store. */
export function remoteContent(transport: Transport): ContentStore {
  const client = clientOf(Content, transport);
  const info = async (scope: Scope, digest: Digest) =>
    infoFromWire((await client.info({ digest }, withScope(scope))).info);
  return {
    info,
    update: async (scope, { digest, labels }, fields) => {
      const request = { info: { digest, labels: { ...labels } }, ...maskToWire(fields) };
      return infoFromWire((await client.update(request, withScope(scope))).info);
    },
    async *walk(scope, filters = []): AsyncGenerator<BlobInfo> {
      const blocks = client.list({ filters: [...filters] }, withScope(scope));
      for await (const block of blocks) for (const each of block.info) yield infoFromWire(each);
    },
    delete: async (scope, digest) => {
      await client.delete({ digest }, withScope(scope));
    },
    open: async (scope, digest) => new RemoteReader(client, scope, await info(scope, digest)),
    status: async (scope, ref) => statusFromWire((await client.status({ ref }, withScope(scope))).status),
    statuses: async (scope, filters = []) => {
      const { statuses } = await client.listStatuses({ filters: [...filters] }, withScope(scope));
      return statuses.map(statusFromWire);
    },
    writer: (scope, ref, options = {}) => openRemoteWriter(client, scope, ref, options),
    abort: async (scope, ref) => {
      await client.abort({ ref }, withScope(scope));
    },
  };
}

class RemoteReader implements BlobReader {
  readonly size: number;
  readonly path = undefined;
  readonly #client: GrpcClient<typeof Content>;
  readonly #scope: Scope;
  readonly #digest: Digest;

  constructor(client: GrpcClient<typeof Content>, scope: Scope, { digest, size }: BlobInfo) {
    this.#client = client;
    this.#scope = scope;
    this.#digest = digest;
    this.size = size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.min(length, this.size - offset);
    if (wanted <= 0) return new Uint8Array(0);
    const request = { digest: this.#digest, offset: BigInt(offset), size: BigInt(wanted) };
    const chunks: Uint8Array[] = [];
    let received = 0;
    for await (const { data } of this.#client.read(request, withScope(this.#scope))) {
      chunks.push(data);
      received += data.byteLength;
    }
    if (received !== wanted) throw dataLoss(`${this.#digest}: ${received} bytes at ${offset}, wanted ${wanted}`);
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, received);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
