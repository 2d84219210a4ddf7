import { Leases } from '#api/services/leases/v1/leases_pb';
import type { Collector } from '#core/gc/collector';
import type { LeaseStore } from '#core/leases/leases';
import { defineService, type Service } from '../service.ts';
import { leaseToWire, resourceFromWire } from './convert.ts';

/** The leases service on a store; the collector runs when a deletion is to be synchronous. */
export function serveLeases(store: LeaseStore, collector: Collector): Service {
  return defineService(Leases, {
    create: async ({ id, labels }, { scope }) => ({ lease: leaseToWire(await store.create(scope, { id, labels })) }),
    delete: async ({ id, sync }, { scope }) => {
      await store.delete(scope, id);
      if (sync) await collector.collect(scope.signal);
      return {};
    },
    list: async ({ filters }, { scope }) => ({ leases: (await store.list(scope, filters)).map(leaseToWire) }),
    addResource: async ({ id, resource }, { scope }) => {
      await store.addResource(scope, id, resourceFromWire(resource));
      return {};
    },
    deleteResource: async ({ id, resource }, { scope }) => {
      await store.deleteResource(scope, id, resourceFromWire(resource));
      return {};
    },
    listResources: async ({ id }, { scope }) => ({ resources: [...(await store.listResources(scope, id))] }),
  });
}
