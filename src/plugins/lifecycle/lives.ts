import { sleep, within } from '#base/cancellation';
import { isFault, notFound } from '#base/errors';
import type { Log } from '#base/log';
import { formatTimestamp, now, type Timestamp } from '#base/timestamp';
import type { Container } from '#core/containers/containers';
import { type ContainerSettings, settingsKey, settingsOf } from '#core/engine/container-settings';
import { type Lifecycle, neverStarted, readLifecycle, writeLifecycle } from '#core/engine/lifecycle-file';
import { removeContainer } from '#core/engine/remove';
import type { Metadata } from '#core/metadata';
import type { Process } from '#core/runtime/runtime';
import type { Tasks } from '#core/runtime/tasks';
import { type Scope, scopeOf } from '#core/scope';
import type { TaskEvent } from '#rpc/events/task-events';

export interface LivesParts {
  readonly metadata: Pick<Metadata, 'containers' | 'namespaces' | 'snapshotters'>;
  readonly tasks: Pick<Tasks, 'state' | 'delete'>;
  readonly log: Log;
  /** Nothing is begun once it has fired. */
  readonly signal: AbortSignal;
}

interface Known {
  readonly scope: Scope;
  readonly container: Container;
  readonly settings: ContainerSettings;
}

const callMs = 60_000;
const unknownExit = 255;
/** A removal that fails is tried again: a file system that is busy for a moment. The daemon's next start tries it, too. */
const removalPausesMs = [0, 200, 1_000, 5_000];

/** What became of containers with settings: kept in their state directories, one change of a container after the other. */
export class Lives {
  readonly #parts: LivesParts;
  readonly #work = new Map<string, Promise<void>>();

  constructor(parts: LivesParts) {
    this.#parts = parts;
  }

  /** Takes note in the background; what fails is logged. */
  note(event: TaskEvent): void {
    void this.#queue(event.namespace, event.id, async (known) => {
      if (event.kind === 'started') await change(known, () => started(event.at, event.pid));
      else if (event.kind === 'oom') await change(known, (life) => ({ ...life, oomKilled: true }));
      else {
        const noted = change(known, (life) =>
          isAnother(life, event.pid) ? life : ended(life, event.at, event.exitCode),
        );
        noted.catch(() => {}); // told below
        if (known.settings.autoRemove) await this.#remove(known, event.pid, noted);
        await noted;
      }
    });
  }

  /** Finds out what happened while nobody listened, and finishes removals that were cut short. */
  async lookAtAll(): Promise<void> {
    const { metadata, signal } = this.#parts;
    for (const { name: namespace } of await metadata.namespaces.list())
      for (const { id, extensions } of await metadata.containers.list(scopeOf(namespace, { signal }))) {
        if (signal.aborted) return;
        if (settingsKey in extensions) await this.#queue(namespace, id, (known) => this.#lookAt(known));
      }
  }

  /** Settles when nothing is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#work.values());
  }

  async #lookAt(known: Known): Promise<void> {
    const { scope, container, settings } = known;
    const task = await this.#task(scope, container.id);
    const life = await readLifecycle(settings.stateDir);
    if (task?.status === 'running' && (life.startedAt === '' || life.finishedAt !== ''))
      return await writeLifecycle(settings.stateDir, started(now(), task.pid));
    const isOver = task?.status === 'stopped' || (task === undefined && life.startedAt !== '');
    if (!isOver) return;
    if (life.finishedAt === '' || life.startedAt === '')
      await writeLifecycle(
        settings.stateDir,
        ended(life, task?.exitedAt ?? now(), task === undefined ? unknownExit : task.exitStatus),
      );
    if (settings.autoRemove) await this.#remove(known, task?.pid);
  }

  /**
   * @param pid of the process that has ended: with another one the container lives on. Undefined: it has no task
   * @param noted settles when its files are at rest
   */
  async #remove({ scope, container }: Known, pid: number | undefined, noted = Promise.resolve()): Promise<void> {
    const { log, metadata, tasks, signal } = this.#parts;
    const { id } = container;
    for (const [attempt, pauseMs] of removalPausesMs.entries()) {
      if (pauseMs > 0) await sleep(pauseMs, signal);
      try {
        const task = await this.#task(scope, id);
        if (task !== undefined) {
          if (task.status !== 'stopped' || task.pid !== pid) return; // somebody has started it again
          await tasks.delete(scope, id);
        }
        await noted.catch(() => {}); // told by who noted it
        // Its user may have taken the wish back, to start it again.
        const present = await metadata.containers.get(scope, id);
        if (settingsOf(present)?.autoRemove !== true) return;
        return await removeContainer(this.#removal, scope, present, { volumes: true });
      } catch (error) {
        if (isFault(error, 'not_found')) return; // gone meanwhile
        if (signal.aborted || attempt === removalPausesMs.length - 1) throw error;
        log.warn('a container that is to go could not be removed', { id, namespace: scope.namespace, error });
      }
    }
  }

  get #removal() {
    const { metadata } = this.#parts;
    return {
      containers: metadata.containers,
      snapshotter: async (_: Scope, name: string) => {
        const found = metadata.snapshotters.get(name);
        if (found === undefined) throw notFound(`snapshotter ${JSON.stringify(name)}`);
        return found;
      },
    };
  }

  async #task(scope: Scope, id: string): Promise<Process | undefined> {
    try {
      return await this.#parts.tasks.state(scope, id, '');
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return undefined;
      throw thrown;
    }
  }

  /** Does `work` after what was queued for the container before, if it is one with settings. Never throws. */
  #queue(namespace: string, id: string, work: (known: Known) => Promise<void>): Promise<void> {
    const { log, signal } = this.#parts;
    const key = `${namespace}/${id}`;
    const next = (this.#work.get(key) ?? Promise.resolve())
      .then(async () => {
        if (signal.aborted) return;
        const known = await this.#known(namespace, id);
        if (known !== undefined) await work(known);
      })
      .catch((error: unknown) => {
        if (!signal.aborted) log.error('what became of a container could not be dealt with', { id, namespace, error });
      })
      .finally(() => {
        if (this.#work.get(key) === next) this.#work.delete(key);
      });
    this.#work.set(key, next);
    return next;
  }

  async #known(namespace: string, id: string): Promise<Known | undefined> {
    const { metadata, signal } = this.#parts;
    const scope = scopeOf(namespace, { signal: within(callMs, signal) });
    try {
      const container = await metadata.containers.get(scope, id);
      const settings = settingsOf(container);
      return settings === undefined ? undefined : { scope, container, settings };
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return undefined;
      throw thrown;
    }
  }
}

async function change({ settings }: Known, next: (life: Lifecycle) => Lifecycle): Promise<void> {
  await writeLifecycle(settings.stateDir, next(await readLifecycle(settings.stateDir)));
}

const started = (at: Timestamp, pid: number): Lifecycle => ({ ...neverStarted, pid, startedAt: formatTimestamp(at) });

/** Each start has a shim of its own: the end of one may be heard of after the next start. */
const isAnother = (life: Lifecycle, pid: number): boolean => life.pid !== 0 && life.pid !== pid;

function ended(life: Lifecycle, at: Timestamp, exitCode: number): Lifecycle {
  const finishedAt = formatTimestamp(at);
  // It was started, also when nobody noted that.
  return { ...life, startedAt: life.startedAt === '' ? finishedAt : life.startedAt, finishedAt, exitCode };
}
