import { Store } from '#api/services/sandbox/v1/sandbox_pb';
import type { SandboxStore } from '#core/sandboxes/sandboxes';
import { defineService, type Service } from '../service.ts';
import { newSandboxFromWire, sandboxToWire } from './convert.ts';

/** The service of sandboxes' records on a store. */
export function serveSandboxStore(store: SandboxStore): Service {
  return defineService(Store, {
    get: async ({ sandboxId }, { scope }) => ({ sandbox: sandboxToWire(await store.get(scope, sandboxId)) }),
    list: async ({ filters }, { scope }) => ({ list: (await store.list(scope, filters)).map(sandboxToWire) }),
    create: async ({ sandbox }, { scope }) => ({
      sandbox: sandboxToWire(await store.create(scope, newSandboxFromWire(sandbox))),
    }),
    update: async ({ sandbox, fields }, { scope }) => ({
      sandbox: sandboxToWire(await store.update(scope, newSandboxFromWire(sandbox), fields)),
    }),
    delete: async ({ sandboxId }, { scope }) => {
      await store.delete(scope, sandboxId);
      return {};
    },
  });
}
