import { alreadyExists, invalidArgument, notFound } from '#base/errors';
import { now } from '#base/timestamp';
import type { Scope } from '#core/scope';
import { parseFilters } from '#lib/filters/filter';
import { containerFields, createdContainer, updatedContainer } from './container-change.ts';
import type { Container, ContainerStore } from './containers.ts';

/** Containers that are forgotten with the process: for tests and tools. */
export function memoryContainers(): ContainerStore {
  const spaces = new Map<string, Map<string, Container>>();
  const within = (scope: Scope) =>
    spaces.get(scope.namespace) ?? spaces.set(scope.namespace, new Map()).get(scope.namespace)!;
  const get = (scope: Scope, id: string): Container => {
    const container = within(scope).get(id);
    if (container === undefined)
      throw notFound(`container ${JSON.stringify(id)} in namespace ${JSON.stringify(scope.namespace)}`);
    return container;
  };
  const put = (scope: Scope, container: Container): Container => {
    within(scope).set(container.id, container);
    return container;
  };
  return {
    get: async (scope, id) => get(scope, id),
    async list(scope, filters = []) {
      const filter = parseFilters(filters);
      return [...within(scope).values()]
        .filter((container) => filter.match(containerFields(container)))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    async create(scope, given) {
      const container = createdContainer(given, now());
      if (within(scope).has(container.id)) throw alreadyExists(`container ${JSON.stringify(container.id)}`);
      return put(scope, container);
    },
    async update(scope, given, fields = []) {
      if (given.id === '') throw invalidArgument('Container.ID required');
      return put(scope, updatedContainer(get(scope, given.id), given, fields, now()));
    },
    async delete(scope, id) {
      get(scope, id);
      within(scope).delete(id);
    },
  };
}
