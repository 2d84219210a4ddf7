import type { Any } from '#base/any';
import { abortable } from '#base/cancellation';
import { invalidArgument } from '#base/errors';
import type { Log } from '#base/log';
import { now } from '#base/timestamp';
import type { Container, ContainerStore } from '#core/containers/containers';
import type { Descriptor } from '#core/descriptor';
import type {
  ExecOptions,
  Glance,
  KillOptions,
  Process,
  ProcessExit,
  Runtime,
  TaskSandbox,
} from '#core/runtime/runtime';
import type { TaskAttendant } from '#core/runtime/task-attendant';
import type { Metric, NewTask, Tasks } from '#core/runtime/tasks';
import type { Scope } from '#core/scope';
import { absent, field, parseFilters } from '#lib/filters/filter';
import { createAttended } from './attended.ts';
import { type Checkpoints, imagePathOf } from './checkpoints.ts';
import type { SandboxEndpoints } from './sandbox-endpoints.ts';

export interface ContainerTasksParts {
  readonly containers: ContainerStore;
  readonly runtime: Runtime;
  readonly checkpoints: Checkpoints;
  readonly endpoints: Pick<SandboxEndpoints, 'find'>;
  readonly attendants: readonly TaskAttendant[];
  /** How long one task may take for its figures. */
  readonly statsTimeoutMs: number;
  readonly log: Log;
}

/** Tasks by the records of their containers. */
export class ContainerTasks implements Tasks {
  readonly #parts: ContainerTasksParts;

  constructor(parts: ContainerTasksParts) {
    this.#parts = parts;
  }

  async create(scope: Scope, id: string, task: NewTask): Promise<{ readonly pid: number }> {
    const container = await this.#container(scope, id);
    const { checkpoint } = task;
    if (checkpoint === undefined) return await this.#create(scope, container, task);
    return await this.#parts.checkpoints.restore(scope, checkpoint, (path) =>
      this.#create(scope, container, task, path),
    );
  }

  async start(scope: Scope, id: string, execId: string): Promise<{ readonly pid: number }> {
    return await (await this.#runtimeOf(scope, id)).start(scope, id, execId);
  }

  async delete(scope: Scope, id: string): Promise<ProcessExit> {
    return await (await this.#runtimeOf(scope, id)).delete(scope, id);
  }

  async deleteProcess(scope: Scope, id: string, execId: string): Promise<ProcessExit> {
    return await (await this.#runtimeOf(scope, id)).deleteProcess(scope, id, execId);
  }

  async state(scope: Scope, id: string, execId: string): Promise<Process> {
    return await (await this.#runtimeOf(scope, id)).state(scope, id, execId);
  }

  list(scope: Scope): Promise<readonly Process[]> {
    return this.#parts.runtime.list(scope);
  }

  async glance(scope: Scope): Promise<readonly Glance[]> {
    const { runtime } = this.#parts;
    return await (runtime.glance?.(scope) ?? runtime.list(scope));
  }

  async kill(scope: Scope, id: string, options: KillOptions): Promise<void> {
    await (await this.#runtimeOf(scope, id)).kill(scope, id, options);
  }

  async exec(scope: Scope, id: string, options: ExecOptions): Promise<void> {
    if (options.execId === '') throw invalidArgument('exec id cannot be empty');
    await (await this.#runtimeOf(scope, id)).exec(scope, id, options);
  }

  async resizePty(
    scope: Scope,
    id: string,
    execId: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<void> {
    await (await this.#runtimeOf(scope, id)).resizePty(scope, id, execId, size);
  }

  async closeIo(scope: Scope, id: string, execId: string, stdin: boolean): Promise<void> {
    await (await this.#runtimeOf(scope, id)).closeIo(scope, id, execId, stdin);
  }

  async pause(scope: Scope, id: string): Promise<void> {
    await (await this.#runtimeOf(scope, id)).pause(scope, id);
  }

  async resume(scope: Scope, id: string): Promise<void> {
    await (await this.#runtimeOf(scope, id)).resume(scope, id);
  }

  async pids(scope: Scope, id: string): Promise<readonly { readonly pid: number; readonly info?: Any }[]> {
    return await (await this.#runtimeOf(scope, id)).pids(scope, id);
  }

  async update(scope: Scope, id: string, resources: Any, annotations: Readonly<Record<string, string>>): Promise<void> {
    await (await this.#runtimeOf(scope, id)).update(scope, id, resources, annotations);
  }

  async wait(scope: Scope, id: string, execId: string): Promise<ProcessExit> {
    return await (await this.#runtimeOf(scope, id)).wait(scope, id, execId);
  }

  async checkpoint(scope: Scope, id: string, options?: Any): Promise<readonly Descriptor[]> {
    const { runtime, checkpoints } = this.#parts;
    const { spec } = await this.#container(scope, id);
    const write = (directory: string) => runtime.checkpoint(scope, id, directory, options);
    const path = imagePathOf(options);
    if (path === '') return await checkpoints.store(scope, id, spec, write);
    await write(path);
    return [];
  }

  async metrics(scope: Scope, filters: readonly string[] = []): Promise<readonly Metric[]> {
    const { runtime, log, statsTimeoutMs } = this.#parts;
    const filter = parseFilters(filters);
    const tasks = (await runtime.list(scope)).filter(({ id }) =>
      filter.match(([name]) => (name === 'id' ? field(id) : name === 'namespace' ? field(scope.namespace) : absent)),
    );
    const read = async ({ id }: Process): Promise<Metric | undefined> => {
      try {
        const data = await abortable(runtime.stats(scope, id), AbortSignal.timeout(statsTimeoutMs));
        return { id, timestamp: now(), data };
      } catch (error) {
        log.warn('no figures of a task', { id, namespace: scope.namespace, error });
        return undefined;
      }
    };
    return (await Promise.all(tasks.map(read))).filter((metric) => metric !== undefined);
  }

  async #create(
    scope: Scope,
    container: Container,
    task: NewTask,
    checkpointPath?: string,
  ): Promise<{ readonly pid: number }> {
    const { rootfs, stdin, stdout, stderr, terminal, runtimePath } = task;
    const options = task.options ?? container.runtime.options;
    const sandbox = await this.#sandboxOf(scope, container, { ...task, ...(options !== undefined && { options }) });
    return await createAttended(this.#parts, scope, container, (spec) =>
      this.#parts.runtime.create(scope, container.id, {
        ...{ rootfs, stdin, stdout, stderr, terminal },
        runtime: container.runtime.name,
        spec,
        ...(options !== undefined && { options }),
        ...(runtimePath !== undefined && { runtimePath }),
        ...(checkpointPath !== undefined && { checkpointPath }),
        ...(sandbox !== undefined && { sandbox }),
      }),
    );
  }

  async #sandboxOf(
    scope: Scope,
    { sandboxId }: Container,
    task: Pick<NewTask, 'endpoint' | 'options'>,
  ): Promise<TaskSandbox | undefined> {
    if (sandboxId === '') return undefined;
    const endpoint = await this.#parts.endpoints.find(scope, sandboxId, task);
    return { id: sandboxId, ...(endpoint !== undefined && { endpoint }) };
  }

  /** The runtime, once the container is known to exist. @throws not_found */
  async #runtimeOf(scope: Scope, id: string): Promise<Runtime> {
    await this.#container(scope, id);
    return this.#parts.runtime;
  }

  #container(scope: Scope, id: string): Promise<Container> {
    return this.#parts.containers.get(scope, id);
  }
}
