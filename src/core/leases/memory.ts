import { alreadyExists, notFound } from '#base/errors';
import { now } from '#base/timestamp';
import type { Scope } from '#core/scope';
import { parseFilters } from '#lib/filters/filter';
import { checkResource, createdLease, leaseFields } from './lease-rules.ts';
import type { Lease, LeaseResource, LeaseStore } from './leases.ts';

interface Held {
  readonly lease: Lease;
  readonly resources: Map<string, LeaseResource>;
}

/** Leases that are forgotten with the process, and that keep nothing: for tests and tools. */
export function memoryLeases(): LeaseStore {
  const spaces = new Map<string, Map<string, Held>>();
  const within = (scope: Scope) =>
    spaces.get(scope.namespace) ?? spaces.set(scope.namespace, new Map()).get(scope.namespace)!;
  const get = (scope: Scope, id: string): Held => {
    const held = within(scope).get(id);
    if (held === undefined) throw notFound(`lease ${JSON.stringify(id)}`);
    return held;
  };
  const keyOf = ({ type, id }: LeaseResource) => `${type}\n${id}`;
  return {
    async create(scope, given) {
      const lease = createdLease(given, now());
      if (within(scope).has(lease.id)) throw alreadyExists(`lease ${JSON.stringify(lease.id)}`);
      within(scope).set(lease.id, { lease, resources: new Map() });
      return lease;
    },
    async delete(scope, id) {
      get(scope, id);
      within(scope).delete(id);
    },
    async list(scope, filters = []) {
      const filter = parseFilters(filters);
      const leases = [...within(scope).values()].map(({ lease }) => lease);
      return leases.filter((lease) => filter.match(leaseFields(lease))).sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    async addResource(scope, id, resource) {
      checkResource(resource);
      get(scope, id).resources.set(keyOf(resource), resource);
    },
    async deleteResource(scope, id, resource) {
      checkResource(resource);
      get(scope, id).resources.delete(keyOf(resource));
    },
    listResources: async (scope, id) =>
      [...get(scope, id).resources].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, resource]) => resource),
  };
}
