import { readdir } from 'node:fs/promises';
import { isFault } from '#base/errors';
import type { Client } from '#client/client';
import { defaultDataRoot, type Layout, layoutFor } from '#core/engine/layout';
import { type Scope, scopeOf } from '#core/scope';
import type { NamesRequest } from '../cli/names-command.ts';

/** Lists names of a kind, for completions. @throws what the daemon says; nobody hears it */
export async function namesOf({ kind, flags, signal }: NamesRequest): Promise<readonly string[]> {
  const list = Object.hasOwn(lists, kind) ? lists[kind] : undefined;
  if (list === undefined) return [];
  const said = (name: string, otherwise: string) => String(flags[name] ?? '') || otherwise;
  const { defaultAddress, openClient } = await import('#client/client');
  const address = said('address', defaultAddress).replace(/^unix:\/\//, '');
  await using client = openClient(address);
  const scope = scopeOf(said('namespace', 'default'), { signal });
  return await list({
    client,
    scope,
    layout: layoutFor(said('data-root', defaultDataRoot), address),
    conflists: said('cni-netconfpath', '/etc/cni/net.d'),
  });
}

interface Where {
  readonly client: Client;
  readonly scope: Scope;
  readonly layout: Layout;
  readonly conflists: string;
}

const lists: Readonly<Record<string, (where: Where) => Promise<readonly string[]>>> = {
  containers: ({ layout, scope }) => filesIn(layout.names(scope.namespace)),
  images: async ({ client, scope }) => (await client.images.list(scope)).map(({ name }) => name),
  namespaces: async ({ client }) => (await client.namespaces.list()).map(({ name }) => name),
  networks: async ({ conflists }) =>
    (await filesIn(conflists)).flatMap((name) => /^nerdctl-(.+)\.conflist$/.exec(name)?.[1] ?? []),
  volumes: ({ layout, scope }) => filesIn(layout.volumes(scope.namespace)),
};

/** Without those that begin with a dot, which are nobody's. */
async function filesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => !name.startsWith('.'));
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return [];
    throw thrown;
  }
}
