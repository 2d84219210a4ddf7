import { alreadyExists, notFound } from '#base/errors';
import { now, type Timestamp } from '#base/timestamp';
import type { Scope } from '#core/scope';
import { checkIdentifier } from '#lib/identifier';
import { defaultPlatform } from '#lib/platform';
import type { SandboxController, SandboxExit, TaskEndpoint } from './controller.ts';

interface Entry {
  readonly ended: PromiseWithResolvers<SandboxExit>;
  startedAt?: Timestamp;
  exit?: SandboxExit;
}

/** Sandboxes of which nothing runs: for tests and tools. `endpoint` is where their tasks are said to be served. */
export function memorySandboxController(endpoint?: TaskEndpoint): SandboxController {
  const entries = new Map<string, Entry>();
  const keyOf = (scope: Scope, id: string) => `${scope.namespace}/${id}`;
  const find = (scope: Scope, id: string) => entries.get(keyOf(scope, id));
  const get = (scope: Scope, id: string): Entry => {
    const found = find(scope, id);
    if (found === undefined) throw notFound(`sandbox ${JSON.stringify(id)}`);
    return found;
  };
  const end = (entry: Entry) => {
    entry.exit ??= { exitStatus: 0, exitedAt: now() };
    entry.ended.resolve(entry.exit);
  };
  return {
    async create(scope, { id }) {
      checkIdentifier(id);
      if (find(scope, id) !== undefined) throw alreadyExists(`sandbox ${id}`);
      entries.set(keyOf(scope, id), { ended: Promise.withResolvers() });
    },
    async start(scope, id) {
      const entry = get(scope, id);
      entry.startedAt = now();
      return { pid: 0, createdAt: entry.startedAt, labels: {}, ...(endpoint !== undefined && { endpoint }) };
    },
    async platform(scope, id) {
      get(scope, id);
      return defaultPlatform();
    },
    async stop(scope, id) {
      const entry = find(scope, id);
      if (entry !== undefined) end(entry);
    },
    wait: async (scope, id) => await get(scope, id).ended.promise,
    async status(scope, id) {
      const entry = find(scope, id);
      const known = { id, pid: 0, info: {} };
      if (entry === undefined) return { ...known, state: '', exitedAt: now() };
      const { startedAt, exit } = entry;
      return {
        ...{ ...known, state: startedAt !== undefined && exit === undefined ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY' },
        ...(startedAt !== undefined && { createdAt: startedAt }),
        ...(exit?.exitedAt !== undefined && { exitedAt: exit.exitedAt }),
        ...(endpoint !== undefined && { endpoint }),
      };
    },
    async shutdown(scope, id) {
      end(get(scope, id));
      entries.delete(keyOf(scope, id));
    },
    async metrics(scope, id) {
      get(scope, id);
      return { id, timestamp: now() };
    },
    async update(scope, id) {
      get(scope, id);
    },
  };
}
