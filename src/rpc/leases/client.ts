import { Leases } from '#api/services/leases/v1/leases_pb';
import type { LeaseStore } from '#core/leases/leases';
import type { Scope } from '#core/scope';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { leaseFromWire, resourceFromWire } from './convert.ts';

/** A daemon's lease store. */
export interface RemoteLeases extends LeaseStore {
  /** With `sync`, returns when a collection has run. */
  delete(scope: Scope, id: string, options?: { readonly sync?: boolean }): Promise<void>;
}

export function remoteLeases(transport: Transport): RemoteLeases {
  const client = clientOf(Leases, transport);
  return {
    create: async (scope, { id, labels }) =>
      leaseFromWire((await client.create({ id, labels: { ...labels } }, withScope(scope))).lease),
    delete: async (scope, id, { sync = false } = {}) => {
      await client.delete({ id, sync }, withScope(scope));
    },
    list: async (scope, filters = []) => {
      const { leases } = await client.list({ filters: [...filters] }, withScope(scope));
      return leases.map(leaseFromWire);
    },
    addResource: async (scope, id, resource) => {
      await client.addResource({ id, resource }, withScope(scope));
    },
    deleteResource: async (scope, id, resource) => {
      await client.deleteResource({ id, resource }, withScope(scope));
    },
    listResources: async (scope, id) =>
      (await client.listResources({ id }, withScope(scope))).resources.map(resourceFromWire),
  };
}
