import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, openClient } from '#client/client';
import type { Scope } from '#core/scope';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { removeContainer, runContainer } from '#test/support/containers';

/** The built daemon with busybox, its debug socket, and several clients, each with a connection of its own. */
export interface Rig extends AsyncDisposable {
  readonly on: BusyboxDaemon;
  readonly clients: readonly Client[];
  readonly debugSocket: string;
}

export async function startRig(clientCount: number, parent = '/dev/shm'): Promise<Rig> {
  await using open = new AsyncDisposableStack();
  mkdirSync(parent, { recursive: true });
  const debugSocket = join(parent, `berth-load-${process.pid}.debug`);
  const on = open.use(await startBusyboxDaemon({ parent, config: `[debug]\naddress = '${debugSocket}'\n` }));
  const clients = Array.from({ length: clientCount }, () => open.use(openClient(on.daemon.address)));
  const held = open.move();
  return { on, clients, debugSocket, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Does it for each of the numbers, every client one after the other. Returns milliseconds for each. */
export async function shared(
  { clients }: Rig,
  count: number,
  work: (client: Client, n: number) => Promise<unknown>,
): Promise<readonly number[]> {
  const took: number[] = [];
  let next = 0;
  await Promise.all(
    clients.map(async (client) => {
      for (let n = next++; n < count; n = next++) {
        const begin = performance.now();
        await work(client, n);
        took[n] = performance.now() - begin;
      }
    }),
  );
  return took;
}

/** A container that waits to be ended. */
export const launch = (client: Client, scope: Scope, id: string, top: string): Promise<number> =>
  runContainer(client, scope, id, { top, args: ['/bin/sleep', '100000'] });

/** Ends a container and removes all of it. */
export async function end(client: Client, scope: Scope, id: string): Promise<void> {
  await client.tasks.kill(scope, id, { execId: '', signal: 9, all: false });
  await client.tasks.wait(scope, id, '');
  await client.tasks.delete(scope, id);
  await removeContainer(client, scope, id);
}
