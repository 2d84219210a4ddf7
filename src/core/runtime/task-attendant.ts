import type { Any } from '#base/any';
import type { Container } from '#core/containers/containers';
import { type Slot, slot } from '#core/plugin/slot';
import type { Scope } from '#core/scope';

/** Does something for containers that must be in place before their process is: a network, say. */
export interface TaskAttendant {
  /**
   * Asked at each creation of a task, before anything of it exists. Says at once, by `undefined`, that it has nothing to do with the container. What it
   * promised and made is its own to take down when the task has ended. @throws why there can be no task; nothing is left then
   */
  attend(scope: Scope, container: Container): Promise<Attendance | undefined> | undefined;
}

export interface Attendance {
  /** The spec to run instead of the container's. */
  readonly spec: Any;
  /**
   * Settles when everything is in place: the task is made meanwhile, and nobody hears of it before. Its failure is that of the creation; the task is taken
   * down again.
   */
  readonly ready: Promise<void>;
  /** The task is there, and so is all that attendants do: called once, with the pid of the first process. */
  created?(pid: number): void;
  /** There is no task after all: takes down what was made. Never throws. */
  abandon(): Promise<void>;
}

export const TaskAttendant: Slot<TaskAttendant> = slot('io.berth.task.attendant.v1');
