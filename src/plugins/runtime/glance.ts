import type { Log } from '#base/log';
import type { Glance } from '#core/runtime/runtime';
import type { Task } from './task-table.ts';

/**
 * Tasks as lists show them. One whose process was seen to run, and is there, needs not be asked: hundreds of shims that are woken for a list
 * cost more than all the rest of it. One that does not answer is left out.
 */
export async function glanceAt(
  tasks: readonly Task[],
  ask: (task: Task) => Promise<Glance>,
  log: Log,
): Promise<readonly Glance[]> {
  const found = await Promise.all(
    tasks.map(async (task) => {
      const { id, namespace, pid } = task;
      if (task.running === true && !task.exitTold && isThere(pid))
        return { id, pid, status: 'running' as const, exitStatus: 0 };
      try {
        return await ask(task);
      } catch (error) {
        log.warn('a task is left out of the list', { id, namespace, error });
        return undefined;
      }
    }),
  );
  return found.filter((each) => each !== undefined);
}

/** A process that has ended is collected by its shim before anybody hears of its end. */
function isThere(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (thrown) {
    // Another user's is there as well.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
