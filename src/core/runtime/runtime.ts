import type { Any } from '#base/any';
import type { Timestamp } from '#base/timestamp';
import type { Mount } from '#core/mount';
import { slot } from '#core/plugin/slot';
import type { TaskEndpoint } from '#core/sandboxes/controller';
import type { Scope } from '#core/scope';

/**
 * Running containers: tasks, each kept by a shim process that outlives the daemon.
 *
 * `execId` is empty for the container's first process. Every call to a shim is bounded in time: a shim that hangs gives
 * `deadline_exceeded` and never holds up calls for other containers.
 */
export interface Runtime extends AsyncDisposable {
  /**
   * Makes bundle, shim and task (created, not started). What was made is taken down again when a step fails.
   * @throws already_exists; not_found for the runtime; whatever the shim says
   */
  create(scope: Scope, id: string, options: CreateTaskOptions): Promise<{ readonly pid: number }>;
  /** @throws not_found */
  start(scope: Scope, id: string, execId: string): Promise<{ readonly pid: number }>;
  /** Takes down a stopped task, its shim and bundle. @throws not_found; failed_precondition while it runs */
  delete(scope: Scope, id: string): Promise<ProcessExit>;
  /** Forgets a stopped exec process. @throws not_found; invalid_argument for an empty exec id */
  deleteProcess(scope: Scope, id: string, execId: string): Promise<ProcessExit>;
  /** @throws not_found, also when the shim is gone */
  state(scope: Scope, id: string, execId: string): Promise<Process>;
  /** As `list`, for those who only look: of tasks that certainly run, no shim is asked. Absent where all would be. */
  glance?(scope: Scope): Promise<readonly Glance[]>;
  /** This namespace's tasks; one that does not answer within the state time-out is left out. */
  list(scope: Scope): Promise<readonly Process[]>;
  kill(scope: Scope, id: string, options: KillOptions): Promise<void>;
  /** Registers a process; `start` with its exec id runs it. @throws already_exists */
  exec(scope: Scope, id: string, options: ExecOptions): Promise<void>;
  resizePty(
    scope: Scope,
    id: string,
    execId: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<void>;
  closeIo(scope: Scope, id: string, execId: string, stdin: boolean): Promise<void>;
  pause(scope: Scope, id: string): Promise<void>;
  resume(scope: Scope, id: string): Promise<void>;
  pids(scope: Scope, id: string): Promise<readonly { readonly pid: number; readonly info?: Any }[]>;
  /** Writes a checkpoint into `path` on this machine. */
  checkpoint(scope: Scope, id: string, path: string, options?: Any): Promise<void>;
  update(scope: Scope, id: string, resources: Any, annotations: Readonly<Record<string, string>>): Promise<void>;
  /** Figures from the cgroup: `io.containerd.cgroups.v1.Metrics` or v2. */
  stats(scope: Scope, id: string): Promise<Any>;
  /** Settles when the process has ended; at once if it has already. */
  wait(scope: Scope, id: string, execId: string): Promise<ProcessExit>;
}
export const Runtime = slot<Runtime>('io.containerd.runtime.v2', { perPlatform: true });

export type TaskStatus = 'unknown' | 'created' | 'running' | 'stopped' | 'paused' | 'pausing';

/** Paths or URIs (`file://`, `binary://`) as the client gave them; empty for nothing. */
export interface Stdio {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

export interface CreateTaskOptions extends Stdio {
  readonly runtime: string;
  readonly spec: Any;
  /** The runtime's own options. */
  readonly options?: Any;
  readonly rootfs: readonly Mount[];
  /** A shim binary to use instead of the one that `runtime` names. */
  readonly runtimePath?: string;
  /** A directory with a checkpoint's files, to restore from. */
  readonly checkpointPath?: string;
  /** Whose shim keeps it, instead of one of its own. */
  readonly sandbox?: TaskSandbox;
}

export interface TaskSandbox {
  readonly id: string;
  /** Where its tasks are served; absent: the sandbox is a task of this id. */
  readonly endpoint?: TaskEndpoint;
}

export interface ExecOptions extends Stdio {
  readonly execId: string;
  readonly spec: Any;
}

export interface KillOptions {
  readonly execId: string;
  readonly signal: number;
  readonly all: boolean;
}

export interface Process extends Stdio {
  readonly id: string;
  readonly execId: string;
  readonly pid: number;
  readonly status: TaskStatus;
  readonly exitStatus: number;
  readonly exitedAt?: Timestamp;
}

/** What a list shows of a task. */
export type Glance = Pick<Process, 'id' | 'pid' | 'status' | 'exitStatus' | 'exitedAt'>;

export interface ProcessExit {
  readonly id: string;
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAt?: Timestamp;
}
