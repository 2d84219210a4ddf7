import { Namespaces } from '#api/services/namespaces/v1/namespace_pb';
import type { Namespace, NamespaceStore } from '#core/namespaces/namespaces';
import { namespaceHeader } from '../call.ts';
import { type CallOptions, clientOf } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { maskToWire } from '../values.ts';
import { namespaceFromWire, namespaceToWire } from './convert.ts';

/** A daemon's namespaces. */
export function remoteNamespaces(transport: Transport): NamespaceStore {
  const client = clientOf(Namespaces, transport);
  const get = async (name: string): Promise<Namespace> => namespaceFromWire((await client.get({ name })).namespace);
  return {
    get,
    list: async () => (await client.list({})).namespaces.map(namespaceFromWire),
    create: async (namespace) =>
      namespaceFromWire(
        (await client.create({ namespace: namespaceToWire(namespace) }, within(namespace.name))).namespace,
      ),
    update: async (namespace, fields) => {
      const request = { namespace: namespaceToWire(namespace), ...maskToWire(fields) };
      const answer = await client.update(request, within(namespace.name));
      // containerd 2.x answers with nothing.
      return answer.namespace === undefined ? get(namespace.name) : namespaceFromWire(answer.namespace);
    },
    delete: async (name) => {
      await client.delete({ name }, within(name));
    },
  };
}

/** containerd 1.x publishes the change in the caller's namespace and wants one: the changed one, as it is in ours. */
const within = (name: string): CallOptions => (name === '' ? {} : { headers: { [namespaceHeader]: name } });
