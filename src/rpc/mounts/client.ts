import { Mounts } from '#api/services/mounts/v1/mounts_pb';
import { notImplemented } from '#base/errors';
import type { Activation, MountManager } from '#core/mounts/mounts';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { maskToWire, mountToWire } from '../values.ts';
import { activationFromWire } from './convert.ts';

/** A daemon's mounts. What a caller does himself cannot be told over the wire. */
export function remoteMounts(transport: Transport): MountManager {
  const client = clientOf(Mounts, transport);
  return {
    activate: async (scope, name, mounts, { labels = {}, temporary = false, callerDoes = [] } = {}) => {
      if (callerDoes.length > 0) throw notImplemented('callerDoes over the wire');
      const request = { name, mounts: mounts.map(mountToWire), labels: { ...labels }, temporary };
      return activationFromWire((await client.activate(request, withScope(scope))).info);
    },
    deactivate: async (scope, name) => {
      await client.deactivate({ name }, withScope(scope));
    },
    info: async (scope, name) => activationFromWire((await client.info({ name }, withScope(scope))).info),
    update: async (scope, { name, labels }, fields) => {
      const request = { info: { name, labels: { ...labels } }, ...maskToWire(fields) };
      return activationFromWire((await client.update(request, withScope(scope))).info);
    },
    list: async (scope, filters = []) => {
      const found: Activation[] = [];
      for await (const { info } of client.list({ filters: [...filters] }, withScope(scope)))
        found.push(activationFromWire(info));
      return found;
    },
  };
}
