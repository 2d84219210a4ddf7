import { stat } from 'node:fs/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { RuntimeInfoSchema } from '#api/types/introspection_pb';
import { within } from '#base/cancellation';
import { isFault } from '#base/errors';
import type { Log } from '#base/log';
import type { Mount } from '#core/mount';
import type { LocalMountManager } from '#core/mounts/mounts';
import { type Scope, scopeOf } from '#core/scope';
import type { ShimBinaries } from './shim-binary.ts';

const keptWith = 'containerd.io/gc.bref.container';
const allowAnnotation = 'containerd.io/runtime-allow-mounts';

export interface TaskMountsParts {
  /** Absent: every mount is the shim's. */
  readonly manager: LocalMountManager | undefined;
  readonly binaries: Pick<ShimBinaries, 'info'>;
  /** How long a shim's program may take to tell what it mounts by itself. */
  readonly infoMs: number;
  readonly log: Log;
}

/** What the daemon mounts for a task's root before the shim mounts the rest: an activation of the container's name, kept with it. */
export class TaskMounts {
  readonly #parts: TaskMountsParts;
  readonly #shimsDo = new Map<string, readonly string[]>();

  constructor(parts: TaskMountsParts) {
    this.#parts = parts;
  }

  /** Returns what is left to the shim. Costs nothing where there is nothing to do. @throws as `MountManager.activate` */
  async activate(scope: Scope, id: string, rootfs: readonly Mount[], binary: string): Promise<readonly Mount[]> {
    const { manager } = this.#parts;
    if (manager?.wants(rootfs) !== true) return rootfs;
    const options = { labels: { [keptWith]: id }, callerDoes: await this.#shimDoes(binary, scope.signal) };
    const activate = async () => (await manager.activate(scope, id, rootfs, options)).system;
    try {
      return await activate();
    } catch (thrown) {
      if (isFault(thrown, 'not_implemented')) return rootfs;
      if (!isFault(thrown, 'already_exists') || !(await this.#isOfTask(manager, scope, id))) throw thrown;
      // There is no task, so that it is what a daemon left which died between the two.
      await manager.release(scope, id);
      return activate();
    }
  }

  /** Takes down what was activated for the task, if anything was. Never throws: a collection tries again when the container is gone. */
  async release({ namespace, id }: { readonly namespace: string; readonly id: string }): Promise<void> {
    const { manager, log } = this.#parts;
    if (manager === undefined) return;
    const scope = scopeOf(namespace);
    try {
      if (await this.#isOfTask(manager, scope, id)) await manager.release(scope, id);
    } catch (error) {
      log.error("mounts of a task's root stay", { id, namespace, error });
    }
  }

  /** Clients may have an activation of that name themselves. */
  async #isOfTask(manager: LocalMountManager, scope: Scope, id: string): Promise<boolean> {
    try {
      return (await manager.info(scope, id)).labels[keptWith] === id;
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return false;
      throw thrown;
    }
  }

  /** As the shim's program says, asked once for each build of it. One that cannot be asked does nothing by itself. */
  async #shimDoes(binary: string, signal: AbortSignal): Promise<readonly string[]> {
    if (binary === '') return [];
    const { mtimeMs, size } = await stat(binary);
    const key = `${binary} ${mtimeMs} ${size}`;
    const known = this.#shimsDo.get(key);
    if (known !== undefined) return known;
    let does: readonly string[] = [];
    try {
      const said = await this.#parts.binaries.info(binary, new Uint8Array(), within(this.#parts.infoMs, signal));
      const { annotations } = fromBinary(RuntimeInfoSchema, said);
      does = (annotations[allowAnnotation] ?? '').split(',').filter((word) => word !== '');
    } catch (error) {
      if (signal.aborted) throw error;
      this.#parts.log.debug('shim does not tell what it mounts', { binary, error });
    }
    this.#shimsDo.set(key, does);
    return does;
  }
}
