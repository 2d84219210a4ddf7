import { Namespaces } from '#api/services/namespaces/v1/namespace_pb';
import type { NamespaceStore } from '#core/namespaces/namespaces';
import { defineService, type Service } from '../service.ts';
import { fieldsFromWire } from '../values.ts';
import { namespaceFromWire, namespaceToWire } from './convert.ts';

/** The namespaces service on a store. Its calls are in no namespace themselves. */
export function serveNamespaces(store: NamespaceStore): Service {
  return defineService(Namespaces, {
    get: async ({ name }) => ({ namespace: namespaceToWire(await store.get(name)) }),
    list: async () => ({ namespaces: (await store.list()).map(namespaceToWire) }),
    create: async ({ namespace }) => ({ namespace: namespaceToWire(await store.create(namespaceFromWire(namespace))) }),
    update: async ({ namespace, updateMask }) => ({
      namespace: namespaceToWire(await store.update(namespaceFromWire(namespace), fieldsFromWire(updateMask))),
    }),
    delete: async ({ name }) => {
      await store.delete(name);
      return {};
    },
  });
}
