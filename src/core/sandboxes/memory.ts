import { alreadyExists, notFound } from '#base/errors';
import { now } from '#base/timestamp';
import type { Scope } from '#core/scope';
import { parseFilters } from '#lib/filters/filter';
import { createdSandbox, sandboxFields, updatedSandbox } from './sandbox-change.ts';
import type { Sandbox, SandboxStore } from './sandboxes.ts';

/** Records of sandboxes that are forgotten with the process: for tests and tools. */
export function memorySandboxes(): SandboxStore {
  const spaces = new Map<string, Map<string, Sandbox>>();
  const within = (scope: Scope): Map<string, Sandbox> => {
    const space = spaces.get(scope.namespace) ?? new Map<string, Sandbox>();
    spaces.set(scope.namespace, space);
    return space;
  };
  const get = (scope: Scope, id: string): Sandbox => {
    const sandbox = within(scope).get(id);
    if (sandbox === undefined) throw notFound(`sandbox ${JSON.stringify(id)}`);
    return sandbox;
  };
  const put = (scope: Scope, sandbox: Sandbox): Sandbox => {
    within(scope).set(sandbox.id, sandbox);
    return sandbox;
  };
  return {
    get: async (scope, id) => get(scope, id),
    async list(scope, filters = []) {
      const filter = parseFilters(filters);
      return [...within(scope).values()]
        .filter((sandbox) => filter.match(sandboxFields(sandbox)))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    async create(scope, given) {
      const sandbox = createdSandbox(given, now());
      if (within(scope).has(sandbox.id)) throw alreadyExists(`sandbox ${JSON.stringify(sandbox.id)}`);
      return put(scope, sandbox);
    },
    async update(scope, given, fields = []) {
      return put(scope, updatedSandbox(get(scope, given.id), given, fields, now()));
    },
    async delete(scope, id) {
      get(scope, id);
      within(scope).delete(id);
    },
  };
}
