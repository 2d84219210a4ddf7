import { Containers } from '#api/services/containers/v1/containers_pb';
import { isFault } from '#base/errors';
import type { Container, ContainerStore } from '#core/containers/containers';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { maskToWire } from '../values.ts';
import { containerFromWire, newContainerToWire } from './convert.ts';

/** A daemon's container store. */
export function remoteContainers(transport: Transport): ContainerStore {
  const client = clientOf(Containers, transport);
  return {
    get: async (scope, id) => containerFromWire((await client.get({ id }, withScope(scope))).container),
    list: async (scope, filters = []) => {
      const request = { filters: [...filters] };
      try {
        const found: Container[] = [];
        for await (const { container } of client.listStream(request, withScope(scope)))
          found.push(containerFromWire(container));
        return found;
      } catch (thrown) {
        // A daemon without the streaming method has the plain one, whose answer must fit into one message.
        if (!isFault(thrown, 'not_implemented')) throw thrown;
        return (await client.list(request, withScope(scope))).containers.map(containerFromWire);
      }
    },
    create: async (scope, container) => {
      const request = { container: newContainerToWire(container) };
      return containerFromWire((await client.create(request, withScope(scope))).container);
    },
    update: async (scope, container, fields) => {
      const request = { container: newContainerToWire(container), ...maskToWire(fields) };
      return containerFromWire((await client.update(request, withScope(scope))).container);
    },
    delete: async (scope, id) => {
      await client.delete({ id }, withScope(scope));
    },
  };
}
