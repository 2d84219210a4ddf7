import type { Any } from '#base/any';
import { isFault } from '#base/errors';
import type { Log } from '#base/log';
import type { Container } from '#core/containers/containers';
import type { Runtime } from '#core/runtime/runtime';
import type { Attendance, TaskAttendant } from '#core/runtime/task-attendant';
import { type Scope, scopeOf } from '#core/scope';

export interface AttendedParts {
  readonly attendants: readonly TaskAttendant[];
  readonly runtime: Pick<Runtime, 'kill' | 'wait' | 'delete'>;
  readonly log: Log;
}

type Create = (spec: Any) => Promise<{ readonly pid: number }>;

/**
 * Creates a task with whatever attendants do for it, beside each other. When one of the two fails, the other is undone.
 * @throws what an attendant says first, then what `create` says
 */
export async function createAttended(
  parts: AttendedParts,
  scope: Scope,
  container: Container,
  create: Create,
): Promise<{ readonly pid: number }> {
  const found: Attendance[] = [];
  let spec = container.spec;
  try {
    for (const attendant of parts.attendants) {
      const asked = attendant.attend(scope, { ...container, spec });
      const attendance = asked === undefined ? undefined : await asked;
      if (attendance === undefined) continue;
      attendance.ready.catch(() => {}); // told below, once the task has been made
      found.push(attendance);
      ({ spec } = attendance);
    }
    if (found.length === 0) return await create(spec);
    return await together(parts, scope, container.id, { made: create(spec), found });
  } catch (thrown) {
    await Promise.all(found.map((one) => one.abandon()));
    throw thrown;
  }
}

async function together(
  parts: AttendedParts,
  scope: Scope,
  id: string,
  { made, found }: { readonly made: ReturnType<Create>; readonly found: readonly Attendance[] },
): Promise<{ readonly pid: number }> {
  const [task, ...others] = await Promise.allSettled([made, ...found.map(({ ready }) => ready)]);
  const failed = others.find((one) => one.status === 'rejected');
  if (failed !== undefined && task.status === 'fulfilled') await takeDown(parts, scope, id);
  if (failed !== undefined) throw failed.reason;
  if (task.status === 'rejected') throw task.reason;
  for (const one of found) one.created?.(task.value.pid);
  return task.value;
}

const takeDownMs = 30_000;
const sigkill = 9;

/** Ends a task that was created and not started. Who asked for it may have gone: that does not stop this. */
async function takeDown({ runtime, log }: AttendedParts, { namespace }: Scope, id: string): Promise<void> {
  const scope = scopeOf(namespace, { signal: AbortSignal.timeout(takeDownMs) });
  try {
    const exit = runtime.wait(scope, id, '');
    await runtime.kill(scope, id, { execId: '', signal: sigkill, all: true }).catch((thrown: unknown) => {
      if (!isFault(thrown, 'not_found')) throw thrown;
    });
    await exit;
    await runtime.delete(scope, id);
  } catch (error) {
    if (!isFault(error, 'not_found'))
      log.error('a task that must not be cannot be taken down', { id, namespace, error });
  }
}
