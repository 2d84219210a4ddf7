import type { Client } from '#client/client';
import { type Scope, scopeOf } from '#core/scope';
import type { NamesRequest } from '../cli/names-command.ts';

/** Lists names of a kind, for completions. @throws what the daemon says; nobody hears it */
export async function namesOf({ kind, flags, signal }: NamesRequest): Promise<readonly string[]> {
  const list = Object.hasOwn(lists, kind) ? lists[kind] : undefined;
  if (list === undefined) return [];
  const { openClient } = await import('#client/client');
  await using client = openClient(String(flags.address));
  return await list(client, scopeOf(String(flags.namespace), { signal }), String(flags.snapshotter ?? ''));
}

type List = (client: Client, scope: Scope, snapshotter: string) => Promise<readonly string[]>;

/** As many as a completion shows; the store may have more. */
const enough = 1000;

const lists: Readonly<Record<string, List>> = {
  images: async ({ images }, scope) => (await images.list(scope)).map(({ name }) => name),
  containers: async ({ containers }, scope) => (await containers.list(scope)).map(({ id }) => id),
  tasks: async ({ tasks }, scope) => (await tasks.list(scope)).map(({ id }) => id),
  sandboxes: async ({ sandboxes }, scope) => (await sandboxes.list(scope)).map(({ id }) => id),
  leases: async ({ leases }, scope) => (await leases.list(scope)).map(({ id }) => id),
  namespaces: async ({ namespaces }) => (await namespaces.list()).map(({ name }) => name),
  content: async ({ content }, scope) => first(content.walk(scope), ({ digest }) => digest),
  snapshots: async (client, scope, snapshotter) =>
    first((await client.snapshotter(scope, snapshotter)).walk(scope), ({ name }) => name),
  snapshotters: async ({ introspection }) => {
    const plugins = await introspection.plugins(['type==io.containerd.snapshotter.v1']);
    return plugins.filter(({ initError }) => initError === undefined).map(({ id }) => id);
  },
};

async function first<T>(items: AsyncIterable<T>, nameOf: (item: T) => string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const item of items) {
    names.push(nameOf(item));
    if (names.length >= enough) break;
  }
  return names;
}
