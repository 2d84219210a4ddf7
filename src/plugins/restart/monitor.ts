import { within } from '#base/cancellation';
import { isFault, notFound } from '#base/errors';
import type { Log } from '#base/log';
import type { Container } from '#core/containers/containers';
import type { Metadata } from '#core/metadata';
import type { Mount } from '#core/mount';
import type { Stdio } from '#core/runtime/runtime';
import type { Tasks } from '#core/runtime/tasks';
import { type Scope, scopeOf } from '#core/scope';
import { type Change, changeFor, type Present, restartCount, restartLabels } from './policy.ts';

/** The longest that one container may hold up the others. */
const changeTimeoutMs = 60_000;
const kill = 9;

export interface RestartMonitorParts {
  readonly metadata: Pick<Metadata, 'namespaces' | 'containers' | 'snapshotters'>;
  readonly tasks: Tasks;
  readonly log: Log;
}

/** Starts and stops tasks so that containers are as their labels want them. */
export class RestartMonitor {
  readonly #parts: RestartMonitorParts;

  constructor(parts: RestartMonitorParts) {
    this.#parts = parts;
  }

  /** Looks once at all containers with a wish. What fails is logged, and tried again the next time. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const { metadata, log } = this.#parts;
    for (const { name: namespace } of await metadata.namespaces.list()) {
      const all = scopeOf(namespace, { signal });
      for (const container of await metadata.containers.list(all, [`labels."${restartLabels.status}"`])) {
        if (signal.aborted) return;
        const scope = scopeOf(namespace, { signal: within(changeTimeoutMs, signal) });
        await this.#reconcileOne(scope, container).catch((error: unknown) => {
          if (!signal.aborted)
            log.error('container could not be made as its labels want it', { id: container.id, namespace, error });
        });
      }
    }
  }

  async #reconcileOne(scope: Scope, container: Container): Promise<void> {
    const { log } = this.#parts;
    const present = await this.#present(scope, container.id);
    const change: Change = changeFor(container.labels, present);
    if (change === 'none') return;
    log.info('restart monitor', { change, id: container.id, namespace: scope.namespace, status: present.status });
    if (present.status !== 'absent') await this.#remove(scope, container.id);
    if (change === 'start') await this.#start(scope, container);
  }

  async #present(scope: Scope, id: string): Promise<Present> {
    try {
      return await this.#parts.tasks.state(scope, id, '');
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return { status: 'absent', exitStatus: 0 };
      throw thrown;
    }
  }

  /** Ends the task, however it is, and takes it down. */
  async #remove(scope: Scope, id: string): Promise<void> {
    const { tasks } = this.#parts;
    try {
      const exit = tasks.wait(scope, id, '');
      await tasks.kill(scope, id, { execId: '', signal: kill, all: true }).catch(ignoreGone);
      await exit;
      await tasks.delete(scope, id);
    } catch (thrown) {
      ignoreGone(thrown);
    }
  }

  async #start(scope: Scope, container: Container): Promise<void> {
    const { metadata, tasks } = this.#parts;
    // First, so that a container that fails at once does not start for ever.
    const labels = { [restartLabels.count]: String(restartCount(container.labels) + 1) };
    await metadata.containers.update(scope, { ...container, labels }, [`labels.${restartLabels.count}`]);
    await tasks.create(scope, container.id, { ...stdioOf(container), rootfs: await this.#rootfs(scope, container) });
    await tasks.start(scope, container.id, '');
  }

  async #rootfs(scope: Scope, { snapshotter, snapshotKey }: Container): Promise<readonly Mount[]> {
    if (snapshotKey === '') return [];
    const found = this.#parts.metadata.snapshotters.get(snapshotter);
    if (found === undefined) throw notFound(`snapshotter ${JSON.stringify(snapshotter)}`);
    return await found.mounts(scope, snapshotKey);
  }
}

function ignoreGone(thrown: unknown): void {
  if (!isFault(thrown, 'not_found')) throw thrown;
}

/** Output goes where the label says, to a file or a program; nothing else can have waited for a container that starts by itself. */
function stdioOf({ labels, spec }: Container): Stdio {
  const uri = labels[restartLabels.logUri] ?? '';
  if (!/^(binary|file):/.test(uri)) return { stdin: '', stdout: '', stderr: '', terminal: false };
  const terminal = wantsTerminal(spec.value);
  return { stdin: '', stdout: uri, stderr: terminal ? '' : uri, terminal };
}

function wantsTerminal(spec: Uint8Array): boolean {
  const { process }: { readonly process?: { readonly terminal?: unknown } } = JSON.parse(Buffer.from(spec).toString());
  return process?.terminal === true;
}
