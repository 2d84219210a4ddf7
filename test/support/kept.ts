import type { Client } from '#client/client';
import type { Scope } from '#core/scope';

/**
 * Keeps blobs from collection until it is disposed; they need not be there yet. For what is written without a lease, as `ctr content ingest`
 * does: a collection that something else made due comes when it likes, the later the slower the machine.
 */
export async function keepBlobs(client: Client, scope: Scope, digests: readonly string[]): Promise<AsyncDisposable> {
  const { id } = await client.leases.create(scope, { id: '', labels: {} });
  for (const digest of digests) await client.leases.addResource(scope, id, { type: 'content', id: digest });
  return { [Symbol.asyncDispose]: () => client.leases.delete(scope, id) };
}
