import { within } from '#base/cancellation';
import { isFault, notFound } from '#base/errors';
import type { Log } from '#base/log';
import type { Container } from '#core/containers/containers';
import { settingsOf } from '#core/engine/container-settings';
import { readLifecycle } from '#core/engine/lifecycle-file';
import { restartLabels } from '#core/engine/restart-labels';
import {
  type Change,
  type Circumstances,
  changeFor,
  isRevoked,
  type Present,
  restartCount,
} from '#core/engine/restart-policy';
import { stdioOf } from '#core/engine/stdio';
import type { Metadata } from '#core/metadata';
import type { Mount } from '#core/mount';
import type { Runtime, Stdio } from '#core/runtime/runtime';
import type { Tasks } from '#core/runtime/tasks';
import { type Scope, scopeOf } from '#core/scope';
import type { Ended } from './exits.ts';

/** The longest that one container may hold up the others. */
const changeTimeoutMs = 60_000;
const kill = 9;

export interface RestartMonitorParts {
  readonly metadata: Pick<Metadata, 'namespaces' | 'containers' | 'snapshotters'>;
  readonly tasks: Tasks;
  /** Tasks whose container is gone can be reached by it only. */
  readonly runtime: Pick<Runtime, 'kill' | 'wait' | 'delete'>;
  readonly log: Log;
}

/** What a look at one container may lead to. */
interface Look {
  readonly may: readonly Change[];
  /** Where a look at all notes what was created and not started. */
  readonly notStarted?: Set<string>;
}

/** Starts and stops tasks so that containers are as their labels want them. */
export class RestartMonitor {
  readonly #parts: RestartMonitorParts;
  readonly #changing = new Set<string>();
  /** Tasks that a look found created and not started. Undefined until the first look is over. */
  #notStarted: ReadonlySet<string> | undefined;

  constructor(parts: RestartMonitorParts) {
    this.#parts = parts;
  }

  /** Looks once at all containers with a wish. What fails is logged, and tried again the next time. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const { metadata } = this.#parts;
    const notStarted = new Set<string>();
    for (const { name: namespace } of await metadata.namespaces.list()) {
      const all = scopeOf(namespace, { signal });
      for (const container of await metadata.containers.list(all, [`labels."${restartLabels.status}"`])) {
        if (signal.aborted) return;
        await this.#logged({ namespace, id: container.id }, { may: ['start', 'stop'], notStarted }, signal);
      }
    }
    this.#notStarted = notStarted;
  }

  /** Looks at one container whose task has ended, to start it again; what fails is logged. Stopping is for clients, who may do it gently. */
  restart(ended: Ended, signal: AbortSignal): Promise<void> {
    return this.#logged(ended, { may: ['start'] }, signal);
  }

  async #logged(which: Ended, look: Look, signal: AbortSignal): Promise<void> {
    const { namespace, id } = which;
    const key = `${namespace}/${id}`;
    if (this.#changing.has(key)) return;
    this.#changing.add(key);
    try {
      await this.#reconcileOne(scopeOf(namespace, { signal: within(changeTimeoutMs, signal) }), id, look);
    } catch (error) {
      if (!signal.aborted)
        this.#parts.log.error('container could not be made as its labels want it', { id, namespace, error });
    } finally {
      this.#changing.delete(key);
    }
  }

  async #reconcileOne(scope: Scope, id: string, { may, notStarted }: Look): Promise<void> {
    const { log, metadata } = this.#parts;
    const container = await metadata.containers.get(scope, id).catch(ignoreGone);
    if (container?.labels[restartLabels.status] === undefined) return;
    const circumstances = this.#circumstances(container, notStarted);
    const present = this.#abandoned(`${scope.namespace}/${id}`, await this.#present(scope, container), notStarted);
    const change: Change = changeFor(container.labels, present, circumstances);
    if (change === 'none' || !may.includes(change)) return;
    log.info('restart monitor', { change, id: container.id, namespace: scope.namespace, status: present.status });
    if (present.status !== 'absent') await remove(this.#parts.tasks, scope, container.id);
    if (change === 'start') await this.#start(scope, container, circumstances);
  }

  #circumstances(container: Container, notStarted: Set<string> | undefined): Circumstances {
    const managed = settingsOf(container) !== undefined;
    return { managed, beginning: notStarted !== undefined && this.#notStarted === undefined };
  }

  /**
   * A task that was created and never started counts as one that failed, if nobody can be about to start it: its client, or this
   * monitor, was cut off by the daemon's end, or has had the time from one look to the next.
   */
  #abandoned(key: string, present: Present, notStarted: Set<string> | undefined): Present {
    if (present.status !== 'created' || notStarted === undefined) return present;
    if (this.#notStarted === undefined || this.#notStarted.has(key)) return { status: 'stopped', exitStatus: 255 };
    notStarted.add(key);
    return present;
  }

  async #present(scope: Scope, container: Container): Promise<Present> {
    try {
      return await this.#parts.tasks.state(scope, container.id, '');
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return { status: 'absent', exitStatus: await lastExit(container) };
      throw thrown;
    }
  }

  async #start(scope: Scope, container: Container, circumstances: Circumstances): Promise<void> {
    const { metadata, tasks } = this.#parts;
    // First, so that a container that fails at once does not start for ever.
    const labels = {
      [restartLabels.count]: String(restartCount(container.labels) + 1),
      ...(circumstances.managed &&
        container.labels[restartLabels.explicitlyStopped] === 'true' && { [restartLabels.explicitlyStopped]: 'false' }),
    };
    const fields = Object.keys(labels).map((key) => `labels.${key}`);
    await metadata.containers.update(scope, { ...container, labels }, fields);
    await tasks.create(scope, container.id, { ...stdioFor(container), rootfs: await this.#rootfs(scope, container) });
    if (await this.#mayGoOn(scope, container.id, circumstances)) await tasks.start(scope, container.id, '');
  }

  /**
   * Who stops or removes a container says so in its record first and looks for its task then. So whoever creates one looks at the record afterwards:
   * one of the two sees the other.
   */
  async #mayGoOn(scope: Scope, id: string, circumstances: Circumstances): Promise<boolean> {
    const { metadata, runtime } = this.#parts;
    const container = await metadata.containers.get(scope, id).catch(ignoreGone);
    if (container !== undefined && !isRevoked(container.labels, circumstances)) return true;
    await remove(runtime, scope, id);
    return false;
  }

  async #rootfs(scope: Scope, { snapshotter, snapshotKey }: Container): Promise<readonly Mount[]> {
    if (snapshotKey === '') return [];
    const found = this.#parts.metadata.snapshotters.get(snapshotter);
    if (found === undefined) throw notFound(`snapshotter ${JSON.stringify(snapshotter)}`);
    return await found.mounts(scope, snapshotKey);
  }
}

function ignoreGone(thrown: unknown): undefined {
  if (!isFault(thrown, 'not_found')) throw thrown;
  return undefined;
}

/** Ends the task, however it is, and takes it down. */
async function remove(tasks: Pick<Tasks, 'kill' | 'wait' | 'delete'>, scope: Scope, id: string): Promise<void> {
  try {
    const exit = tasks.wait(scope, id, '');
    exit.catch(() => {}); // what the kill says counts
    await tasks.kill(scope, id, { execId: '', signal: kill, all: true }).catch(ignoreGone);
    await exit;
    await tasks.delete(scope, id);
  } catch (thrown) {
    ignoreGone(thrown);
  }
}

const unknownExit = 255;

/** Of a container without a task: as far as it was noted. One that nobody saw end has failed: with the machine. */
async function lastExit(container: Container): Promise<number> {
  const settings = settingsOf(container);
  if (settings === undefined) return 0;
  const { startedAt, finishedAt, exitCode } = await readLifecycle(settings.stateDir);
  return startedAt !== '' && finishedAt === '' ? unknownExit : exitCode;
}

/**
 * As the settings say; else output goes where the label says, to a file or a program: nothing else can have waited for a container that starts by
 * itself.
 */
function stdioFor(container: Container): Stdio {
  const settings = settingsOf(container);
  if (settings !== undefined) return stdioOf(settings);
  const { labels, spec } = container;
  const uri = labels[restartLabels.logUri] ?? '';
  if (!/^(binary|file):/.test(uri)) return { stdin: '', stdout: '', stderr: '', terminal: false };
  const terminal = wantsTerminal(spec.value);
  return { stdin: '', stdout: uri, stderr: terminal ? '' : uri, terminal };
}

function wantsTerminal(spec: Uint8Array): boolean {
  const { process }: { readonly process?: { readonly terminal?: unknown } } = JSON.parse(Buffer.from(spec).toString());
  return process?.terminal === true;
}
