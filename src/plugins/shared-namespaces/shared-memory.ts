import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { ContainerDeleteSchema } from '#api/events/container_pb';
import { sleep } from '#base/cancellation';
import { isFault } from '#base/errors';
import type { Log } from '#base/log';
import type { ContainerStore } from '#core/containers/containers';
import type { Events } from '#core/events/events';
import { type Scope, scopeOf } from '#core/scope';
import { isIdentifier } from '#lib/identifier';
import { mountOne, unmountAll } from '#sys/mount';
import { findMount } from '#sys/mountinfo';

const pauseMs = 1_000;
type Containers = Pick<ContainerStore, 'get'>;

/** File systems in memory that several containers have as /dev/shm: one for each that shares its own, as long as its record is there. */
export class SharedMemory {
  readonly #root: string;

  /** @param root does not outlast a reboot, as what is mounted below it does not */
  constructor(root: string) {
    this.#root = root;
  }

  /** The directory for a container's, mounted. */
  async ensure({ namespace }: Pick<Scope, 'namespace'>, id: string, bytes: number): Promise<string> {
    const path = join(this.#root, namespace, id);
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (findMount(path) === undefined) {
      const options = ['nosuid', 'nodev', 'noexec', 'mode=1777', `size=${bytes}`];
      mountOne({ type: 'tmpfs', source: 'shm', target: '', options }, path);
    }
    return path;
  }

  /** Takes them down when their containers' records go, until the signal. Anybody may publish: what is no such event is passed over. */
  async hear(events: Pick<Events, 'subscribe'>, containers: Containers, signal: AbortSignal, log: Log): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const { namespace, event } of events.subscribe(signal, ['topic=="/containers/delete"'])) {
          const id = idIn(event.value);
          if (id === undefined || (await isThere(containers, namespace, id))) continue;
          await this.#remove(namespace, id).catch((error: unknown) =>
            log.warn('shared memory of a container that is gone stays', { namespace, id, error }),
          );
        }
      } catch (error) {
        if (!signal.aborted) log.error('ends of containers with shared memory were missed', { error });
      }
      await sleep(pauseMs, signal).catch(() => {}); // told to stop
    }
  }

  /** Takes down those whose containers went while nobody listened. */
  async forgetOthers(containers: Containers): Promise<void> {
    for (const namespace of await namesIn(this.#root))
      for (const id of await namesIn(join(this.#root, namespace)))
        if (!(await isThere(containers, namespace, id))) await this.#remove(namespace, id);
  }

  async #remove(namespace: string, id: string): Promise<void> {
    const path = join(this.#root, namespace, id);
    // Who still has it keeps it until he ends.
    await unmountAll(path, { detach: true });
    await rmdir(path).catch((thrown: unknown) => {
      if (!isFault(thrown, 'not_found')) throw thrown;
    });
  }
}

/** One that cannot be asked for counts as there. */
const isThere = (containers: Containers, namespace: string, id: string): Promise<boolean> =>
  containers.get(scopeOf(namespace), id).then(
    () => true,
    (thrown: unknown) => !isFault(thrown, 'not_found'),
  );

/** It becomes a part of a path. */
function idIn(event: Uint8Array): string | undefined {
  try {
    const { id } = fromBinary(ContainerDeleteSchema, event);
    return isIdentifier(id) ? id : undefined;
  } catch {
    return undefined; // not of the daemon's making
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return [];
    throw thrown;
  }
}
