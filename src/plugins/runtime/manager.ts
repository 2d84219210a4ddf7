import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  CheckpointTaskRequestSchema,
  CloseIORequestSchema,
  ExecProcessRequestSchema,
  ExecProcessResponseSchema,
  PauseRequestSchema,
  PidsRequestSchema,
  PidsResponseSchema,
  ResizePtyRequestSchema,
  ResumeRequestSchema,
  StartRequestSchema,
  StartResponseSchema,
  StateRequestSchema,
  StateResponseSchema,
  StatsRequestSchema,
  StatsResponseSchema,
  UpdateTaskRequestSchema,
  WaitRequestSchema,
  WaitResponseSchema,
} from '#api/runtime/task/v2/task_pb';
import type { Any } from '#base/any';
import { invalidArgument, isFault, notFound } from '#base/errors';
import type {
  CreateTaskOptions,
  ExecOptions,
  Glance,
  KillOptions,
  Process,
  ProcessExit,
  Runtime,
} from '#core/runtime/runtime';
import type { Scope } from '#core/scope';
import { quickCgroupMoves } from '#sys/cgroup-moves';
import { deleteProcess, deleteTask } from './delete.ts';
import type { Environment } from './environment.ts';
import { glanceAt } from './glance.ts';
import { kill } from './kill.ts';
import { launch } from './launch.ts';
import { runtimeInfo } from './runtime-info.ts';
import { callFor } from './shim.ts';
import type { Task } from './task-table.ts';
import { fromWireStatus, fromWireTimestamp, toWireAny } from './wire.ts';

/** Tasks kept by shims of the runtime v2 protocol. */
export class ShimManager implements Runtime {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  async create(scope: Scope, id: string, options: CreateTaskOptions): Promise<{ readonly pid: number }> {
    using _quick = quickCgroupMoves();
    return { pid: await launch(this.#env, scope, id, options) };
  }

  async start(scope: Scope, id: string, execId: string): Promise<{ readonly pid: number }> {
    const task = this.#env.tasks.get(scope, id);
    using _quick = execId === '' ? undefined : quickCgroupMoves();
    const { pid } = await task.shim.call(
      'Start',
      [StartRequestSchema, { id, execId }],
      StartResponseSchema,
      this.#bounded(scope),
    );
    // Who was quick to pause it knows better.
    if (execId === '') task.running ??= true;
    return { pid };
  }

  async delete(scope: Scope, id: string): Promise<ProcessExit> {
    return deleteTask(this.#env, scope, this.#env.tasks.get(scope, id));
  }

  async deleteProcess(scope: Scope, id: string, execId: string): Promise<ProcessExit> {
    if (execId === '') throw invalidArgument('exec id cannot be empty');
    return deleteProcess(this.#env, scope, this.#env.tasks.get(scope, id), execId);
  }

  async state(scope: Scope, id: string, execId: string): Promise<Process> {
    return this.#state(scope, this.#env.tasks.get(scope, id), execId);
  }

  async list(scope: Scope): Promise<readonly Process[]> {
    const states = this.#env.tasks.in(scope.namespace).map(async (task) => {
      try {
        return await this.#state(scope, task, '');
      } catch (error) {
        this.#env.log.warn('a task is left out of the list', { id: task.id, namespace: task.namespace, error });
        return undefined;
      }
    });
    return (await Promise.all(states)).filter((state) => state !== undefined);
  }

  glance(scope: Scope): Promise<readonly Glance[]> {
    return glanceAt(this.#env.tasks.in(scope.namespace), (task) => this.#state(scope, task, ''), this.#env.log);
  }

  async kill(scope: Scope, id: string, options: KillOptions): Promise<void> {
    await kill(this.#env, scope, this.#env.tasks.get(scope, id), options);
  }

  async exec(scope: Scope, id: string, { execId, spec, ...stdio }: ExecOptions): Promise<void> {
    if (execId === '') throw invalidArgument('exec id cannot be empty');
    const { shim } = this.#env.tasks.get(scope, id);
    using _quick = quickCgroupMoves(startsWithinMs);
    const request = { id, execId, ...stdio, spec: toWireAny(spec) };
    await shim.call('Exec', [ExecProcessRequestSchema, request], ExecProcessResponseSchema, this.#bounded(scope));
  }

  async resizePty(
    scope: Scope,
    id: string,
    execId: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<void> {
    const { shim } = this.#env.tasks.get(scope, id);
    await shim.call('ResizePty', [ResizePtyRequestSchema, { id, execId, ...size }], EmptySchema, this.#bounded(scope));
  }

  async closeIo(scope: Scope, id: string, execId: string, stdin: boolean): Promise<void> {
    const { shim } = this.#env.tasks.get(scope, id);
    await shim.call('CloseIO', [CloseIORequestSchema, { id, execId, stdin }], EmptySchema, this.#bounded(scope));
  }

  async pause(scope: Scope, id: string): Promise<void> {
    const task = this.#env.tasks.get(scope, id);
    task.running = false;
    await task.shim.call('Pause', [PauseRequestSchema, { id }], EmptySchema, this.#bounded(scope));
  }

  async resume(scope: Scope, id: string): Promise<void> {
    await this.#env.tasks
      .get(scope, id)
      .shim.call('Resume', [ResumeRequestSchema, { id }], EmptySchema, this.#bounded(scope));
  }

  async pids(scope: Scope, id: string): Promise<readonly { readonly pid: number; readonly info?: Any }[]> {
    const { shim } = this.#env.tasks.get(scope, id);
    const { processes } = await shim.call(
      'Pids',
      [PidsRequestSchema, { id }],
      PidsResponseSchema,
      this.#bounded(scope),
    );
    return processes.map(({ pid, info }) =>
      info === undefined ? { pid } : { pid, info: { typeUrl: info.typeUrl, value: info.value } },
    );
  }

  async checkpoint(scope: Scope, id: string, path: string, options?: Any): Promise<void> {
    const { shim } = this.#env.tasks.get(scope, id);
    const request = { id, path, ...(options === undefined ? {} : { options: toWireAny(options) }) };
    // As long as the caller waits: a big process takes its time to be written.
    await shim.call('Checkpoint', [CheckpointTaskRequestSchema, request], EmptySchema, callFor(scope));
  }

  async update(scope: Scope, id: string, resources: Any, annotations: Readonly<Record<string, string>>): Promise<void> {
    const { shim } = this.#env.tasks.get(scope, id);
    const request = { id, resources: toWireAny(resources), annotations: { ...annotations } };
    await shim.call('Update', [UpdateTaskRequestSchema, request], EmptySchema, this.#bounded(scope));
  }

  async stats(scope: Scope, id: string): Promise<Any> {
    const { shim } = this.#env.tasks.get(scope, id);
    const { stats } = await shim.call('Stats', [StatsRequestSchema, { id }], StatsResponseSchema, this.#bounded(scope));
    if (stats === undefined) throw notFound(`metrics of task ${id}`);
    return { typeUrl: stats.typeUrl, value: stats.value };
  }

  async wait(scope: Scope, id: string, execId: string): Promise<ProcessExit> {
    const { shim } = this.#env.tasks.get(scope, id);
    const { exitStatus, exitedAt } = await shim.call(
      'Wait',
      [WaitRequestSchema, { id, execId }],
      WaitResponseSchema,
      callFor(scope),
    );
    return { id: execId === '' ? id : execId, pid: 0, exitStatus, ...timed(exitedAt) };
  }

  /** Answers a RuntimeRequest with a RuntimeInfo. @throws not_implemented for other questions; whatever the shim's program says */
  info(question: Any, signal: AbortSignal): Promise<Any> {
    return runtimeInfo(this.#env, question, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const task of this.#env.tasks.all()) {
      task.deleting = true; // the connection ends with the daemon; the shim goes on
      task.shim.close();
    }
  }

  #bounded(scope: Scope) {
    return callFor(scope, this.#env.limits.call);
  }

  async #state(scope: Scope, task: Task, execId: string): Promise<Process> {
    const calling = callFor(scope, this.#env.limits.state);
    try {
      const state = await task.shim.call(
        'State',
        [StateRequestSchema, { id: task.id, execId }],
        StateResponseSchema,
        calling,
      );
      const { pid, status, stdin, stdout, stderr, terminal, exitStatus, exitedAt } = state;
      return {
        id: task.id,
        execId,
        pid,
        status: fromWireStatus(status),
        stdin,
        stdout,
        stderr,
        terminal,
        exitStatus,
        ...timed(exitedAt),
      };
    } catch (thrown) {
      throw isFault(thrown, 'unavailable') ? notFound(`task ${task.id}`, thrown) : thrown;
    }
  }
}

/** When an exec is started after it was made, usually. */
const startsWithinMs = 50;

function timed(at: Parameters<typeof fromWireTimestamp>[0]) {
  const exitedAt = fromWireTimestamp(at);
  return exitedAt === undefined ? {} : { exitedAt };
}
