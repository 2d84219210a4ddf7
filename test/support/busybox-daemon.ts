import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { TaskExitSchema } from '#api/events/task_pb';
import { type Client, openClient } from '#client/client';
import { pull } from '#client/transfer';
import { rootSnapshot } from '#client/unpacked';
import { type Scope, scopeOf } from '#core/scope';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { busyboxImage } from './busybox-image.ts';
import { startDaemon, type TestDaemon, type TestDaemonOptions } from './daemon.ts';
import { FakeRegistry } from './fake-registry.ts';
import { forgetNamespace } from './nothing-left.ts';
import { publish } from './sample-image.ts';

/** A daemon that has an image with busybox, a client of it, and a namespace that nobody else on this machine has. */
export interface BusyboxDaemon extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly client: Client;
  readonly scope: Scope;
  /** The image's top snapshot. */
  readonly top: string;
}

/** Runs the built daemon. @throws when it is not built, or does not start */
export async function startBusyboxDaemon(options: TestDaemonOptions = {}): Promise<BusyboxDaemon> {
  await using open = new AsyncDisposableStack();
  const scope = scopeOf(`test-${randomUUID().slice(0, 8)}`);
  open.defer(() => forgetNamespace(scope.namespace));
  const daemon = open.use(await startDaemon({ built: true, ...options }));
  const client = open.use(openClient(daemon.address));
  await using registry = await FakeRegistry.start();
  publish(registry, 'a/busybox', 'v1', busyboxImage());
  const image = await pull(client, scope, `${registry.host}/a/busybox:v1`, { name: 'busybox' });
  const top = await rootSnapshot(client, scope, image.target, onlyPlatform(defaultPlatform()));
  const held = open.move();
  return { daemon, client, scope, top, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Ids of containers whose ends were told, in order, until it is disposed or the daemon goes away. */
export function watchExits(client: Client): AsyncDisposable & { readonly seen: string[] } {
  const cancel = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { event } of client.events.subscribe(cancel.signal, [`topic=="/tasks/exit"`])) {
      const { containerId, id } = fromBinary(TaskExitSchema, event.value);
      seen.push(id === containerId ? id : `${containerId}/${id}`);
    }
  })();
  reading.catch(() => {}); // the daemon may be gone, and is sometimes meant to
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      cancel.abort();
      await reading.catch(() => {});
    },
  };
}

/** The shim of a container under this daemon. @throws when there is none */
export function shimOf(daemon: TestDaemon, id: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (words.includes(daemon.address) && words[words.indexOf('-id') + 1] === id) return Number(name);
    } catch {} // it has ended meanwhile
  }
  throw new Error(`no shim of ${id}`);
}
