import type { ContainerStore } from '#core/containers/containers';
import type { Tasks } from '#core/runtime/tasks';
import type { Scope } from '#core/scope';
import type { ContainerSummary } from './container-summary.ts';
import { summarize } from './summarize.ts';

/** Stores that summaries are put together from: the daemon's own, or a client's. */
export interface SummaryParts {
  readonly containers: Pick<ContainerStore, 'list'>;
  readonly tasks: Pick<Tasks, 'list' | 'glance'>;
}

/** So many containers' files are read at a time. */
const atOnce = 64;

/** All containers of a namespace, in order of id. Asks tasks' shims as far as those who have the tasks do not know. */
export async function summarizeAll(parts: SummaryParts, scope: Scope): Promise<readonly ContainerSummary[]> {
  const [containers, tasks] = await Promise.all([
    parts.containers.list(scope),
    parts.tasks.glance?.(scope) ?? parts.tasks.list(scope),
  ]);
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const found: ContainerSummary[] = [];
  for (let at = 0; at < containers.length; at += atOnce) {
    const some = containers.slice(at, at + atOnce);
    found.push(...(await Promise.all(some.map((each) => summarize(each, byId.get(each.id))))));
  }
  return found;
}
