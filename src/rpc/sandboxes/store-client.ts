import { Store } from '#api/services/sandbox/v1/sandbox_pb';
import type { SandboxStore } from '#core/sandboxes/sandboxes';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { newSandboxToWire, sandboxFromWire } from './convert.ts';

/** A daemon's records of sandboxes. */
export function remoteSandboxStore(transport: Transport): SandboxStore {
  const client = clientOf(Store, transport);
  return {
    get: async (scope, sandboxId) => sandboxFromWire((await client.get({ sandboxId }, withScope(scope))).sandbox),
    list: async (scope, filters = []) =>
      (await client.list({ filters: [...filters] }, withScope(scope))).list.map(sandboxFromWire),
    create: async (scope, sandbox) =>
      sandboxFromWire((await client.create({ sandbox: newSandboxToWire(sandbox) }, withScope(scope))).sandbox),
    update: async (scope, sandbox, fields = []) => {
      const request = { sandbox: newSandboxToWire(sandbox), fields: [...fields] };
      return sandboxFromWire((await client.update(request, withScope(scope))).sandbox);
    },
    delete: async (scope, sandboxId) => {
      await client.delete({ sandboxId }, withScope(scope));
    },
  };
}
