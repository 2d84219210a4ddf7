import { invalidArgument, isFault, notFound } from '#base/errors';
import { compare } from '#base/timestamp';
import type { ContainerSummary } from '#core/engine/container-summary';
import { summarizeAll } from '#core/engine/summarize-all';
import type { Engine } from '../engine.ts';
import { Filters } from '../filters.ts';
import { containerPredicate } from './list-filters.ts';

export interface ListContainersOptions {
  /** Those that do not run as well. Filters by state, and `last`, imply it. */
  readonly all?: boolean;
  /** The so many created last. */
  readonly last?: number;
  readonly filters?: Filters;
}

/**
 * Containers, those created last first.
 *
 * @throws invalid_argument for a filter's value that is none; not_found for a container that `before` or `since` names
 */
export async function listContainers(
  engine: Engine,
  { all = false, last = 0, filters = new Filters(new Map()) }: ListContainersOptions = {},
): Promise<readonly ContainerSummary[]> {
  const everything = await summaries(engine);
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

/** Asks the daemon for all at once, which only ours answers; else what lists there are is put together here. */
async function summaries({ client, scope }: Engine): Promise<ContainerSummary[]> {
  try {
    return [...(await client.summaries.list(scope))];
  } catch (thrown) {
    if (!isFault(thrown, 'not_implemented')) throw thrown;
    return [...(await summarizeAll(client, scope))];
  }
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
