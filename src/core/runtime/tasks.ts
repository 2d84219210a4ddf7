import type { Any } from '#base/any';
import type { Timestamp } from '#base/timestamp';
import type { Descriptor } from '#core/descriptor';
import type { Mount } from '#core/mount';
import { type Slot, slot } from '#core/plugin/slot';
import type { TaskEndpoint } from '#core/sandboxes/controller';
import type { Scope } from '#core/scope';
import type { Runtime, Stdio } from './runtime.ts';

/**
 * Tasks of containers, as clients see them: what `Runtime` does, by the container's record. Every call first looks for the container,
 * then for its task; either may be `not_found`.
 */
export interface Tasks
  extends Pick<
    Runtime,
    | 'start'
    | 'delete'
    | 'deleteProcess'
    | 'state'
    | 'list'
    | 'glance'
    | 'kill'
    | 'exec'
    | 'resizePty'
    | 'closeIo'
    | 'pause'
    | 'resume'
    | 'pids'
    | 'update'
    | 'wait'
  > {
  /** Spec, runtime and its options come from the container's record. @throws already_exists; not_found; as Runtime.create */
  create(scope: Scope, id: string, options: NewTask): Promise<{ readonly pid: number }>;

  /**
   * Writes a checkpoint: into the content store, and returns its parts (the criu images, the container's config), or, where the
   * options name an image path, there, and returns nothing.
   */
  checkpoint(scope: Scope, id: string, options?: Any): Promise<readonly Descriptor[]>;

  /** Figures of this namespace's tasks that match any of the filters (id, namespace); a task that does not answer is left out. */
  metrics(scope: Scope, filters?: readonly string[]): Promise<readonly Metric[]>;
}

/** Id `tasks-service`. */
export const Tasks: Slot<Tasks> = slot('io.containerd.service.v1');

export interface NewTask extends Stdio {
  /** What `Snapshotter.mounts` says of the container's snapshot; empty when the spec names a root of its own. */
  readonly rootfs: readonly Mount[];
  /** Instead of the container's own runtime options. */
  readonly options?: Any;
  readonly runtimePath?: string;
  /** Where the tasks of the container's sandbox are served, where the caller knows better than the sandbox's controller. */
  readonly endpoint?: TaskEndpoint;
  /** A checkpoint in the content store to restore from. */
  readonly checkpoint?: Descriptor;
}

export interface Metric {
  readonly id: string;
  readonly timestamp: Timestamp;
  readonly data: Any;
}
