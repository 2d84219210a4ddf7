import { invalidArgument, notFound } from '#base/errors';
import { compare } from '#base/timestamp';
import type { Container } from '#core/containers/containers';
import type { Process } from '#core/runtime/runtime';
import type { Engine } from '../engine.ts';
import { Filters } from '../filters.ts';
import { containerPredicate } from './list-filters.ts';
import { summarize } from './summarize.ts';
import type { ContainerSummary } from './summary.ts';

export interface ListContainersOptions {
  /** Those that do not run as well. Filters by state, and `last`, imply it. */
  readonly all?: boolean;
  /** The so many created last. */
  readonly last?: number;
  readonly filters?: Filters;
}

/** At so many the files are read at a time. */
const atOnce = 64;

/**
 * Containers, those created last first.
 *
 * @throws invalid_argument for a filter's value that is none; not_found for a container that `before` or `since` names
 */
export async function listContainers(
  engine: Engine,
  { all = false, last = 0, filters = new Filters(new Map()) }: ListContainersOptions = {},
): Promise<readonly ContainerSummary[]> {
  const { client, scope } = engine;
  const [containers, tasks] = await Promise.all([client.containers.list(scope), client.tasks.list(scope)]);
  const everything = await summaries(containers, tasks);
  everything.sort((a, b) => compare(b.createdAt, a.createdAt) || (a.id < b.id ? -1 : 1));
  const matches = await containerPredicate(engine, filters, everything);
  const shown = all || last > 0 || filters.has('status') || filters.has('exited');
  const found: ContainerSummary[] = [];
  for (const each of everything) {
    if (last > 0 && found.length === last) break;
    if ((shown || isUp(each)) && (await matches(each))) found.push(each);
  }
  return found;
}

const isUp = ({ state }: ContainerSummary): boolean =>
  state === 'running' || state === 'paused' || state === 'restarting';

async function summaries(containers: readonly Container[], tasks: readonly Process[]): Promise<ContainerSummary[]> {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const found: ContainerSummary[] = [];
  for (let at = 0; at < containers.length; at += atOnce) {
    const some = containers.slice(at, at + atOnce);
    found.push(...(await Promise.all(some.map((each) => summarize(each, byId.get(each.id))))));
  }
  return found;
}

/** The one that a word of a filter means, among all. @throws not_found, invalid_argument in docker's words */
export function summaryOf(all: readonly ContainerSummary[], word: string): ContainerSummary {
  const exact = all.find(({ id, name }) => id === word || name === word);
  if (exact !== undefined) return exact;
  const [found, ...more] = word === '' ? [] : all.filter(({ id }) => id.startsWith(word));
  if (more.length > 0) throw invalidArgument(`multiple IDs found with provided prefix: ${word}`);
  if (found === undefined) throw notFound(`No such container: ${word}`);
  return found;
}
