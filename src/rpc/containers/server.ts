import { Containers } from '#api/services/containers/v1/containers_pb';
import type { ContainerStore } from '#core/containers/containers';
import { defineService, type Service } from '../service.ts';
import { fieldsFromWire } from '../values.ts';
import { containerToWire, newContainerFromWire } from './convert.ts';

/** The containers service on a store. */
export function serveContainers(store: ContainerStore): Service {
  return defineService(Containers, {
    get: async ({ id }, { scope }) => ({ container: containerToWire(await store.get(scope, id)) }),
    list: async ({ filters }, { scope }) => ({ containers: (await store.list(scope, filters)).map(containerToWire) }),
    listStream: async function* ({ filters }, { scope }) {
      const pages = store.pages?.(scope, filters) ?? [await store.list(scope, filters)];
      for await (const page of pages) {
        for (let at = 0; at < page.length; at += blockSize)
          yield page.slice(at, at + blockSize).map((container) => ({ container: containerToWire(container) }));
      }
    },
    create: async ({ container }, { scope }) => ({
      container: containerToWire(await store.create(scope, newContainerFromWire(container))),
    }),
    update: async ({ container, updateMask }, { scope }) => ({
      container: containerToWire(
        await store.update(scope, newContainerFromWire(container), fieldsFromWire(updateMask)),
      ),
    }),
    delete: async ({ id }, { scope }) => {
      await store.delete(scope, id);
      return {};
    },
  });
}

/** Few enough that the event loop is not held for long, and that the reader has something to do meanwhile. */
const blockSize = 32;
