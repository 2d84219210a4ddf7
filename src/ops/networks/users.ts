import { isFault } from '#base/errors';
import type { ConnectedContainer } from '#core/networks/networks';
import type { Engine } from '../engine.ts';

/** Running containers of all namespaces: networks belong to the machine, not to a namespace. */
export async function connectedContainers({ client, scope }: Engine): Promise<readonly ConnectedContainer[]> {
  const namespaces = await client.namespaces.list();
  const found = await Promise.all(
    namespaces.map(({ name }) => client.networks.state({ ...scope, namespace: name }).catch(ignoreForeign)),
  );
  return found.flat();
}

/** containerd keeps no networks. */
function ignoreForeign(thrown: unknown): readonly ConnectedContainer[] {
  if (isFault(thrown, 'not_implemented')) return [];
  throw thrown;
}

export const usersOf = (network: string, all: readonly ConnectedContainer[]): readonly ConnectedContainer[] =>
  all.filter(({ interfaces }) => interfaces.some((one) => one.network === network));
