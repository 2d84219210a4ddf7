import { invalidArgument, isFault, notFound } from '#base/errors';
import { silent } from '#base/log';
import type { RegistryOptions } from '#client/transfer';
import type { Engine } from '../engine.ts';
import type { Filters } from '../filters.ts';

/** A repository that was found. */
export interface SearchResult {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
  readonly automated: boolean;
}

export const searchFilters = ['is-automated', 'is-official', 'stars'] as const;

export interface SearchOptions {
  readonly limit: number;
  readonly filters: Filters;
  readonly registry?: RegistryOptions;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Where docker's own registry answers to searches. */
const dockerIndex = 'index.docker.io';

/**
 * Repositories whose names or descriptions have a word, by the search of docker's old registry API. A registry's host may stand before the word.
 *
 * @throws invalid_argument; not_found where a registry has no search; what reaching it throws
 */
export async function searchImages(
  { scope }: Engine,
  term: string,
  { limit, filters, registry = {}, environment }: SearchOptions,
): Promise<readonly SearchResult[]> {
  if (limit < 1 || limit > 100) throw invalidArgument(`limit ${limit} is outside the range of [1, 100]`);
  const { host, word } = splitTerm(term);
  const { clientRegistries } = await import('#client/local-transfer');
  using registries = clientRegistries(environment, silent);
  const end = { ...registry, reference: host };
  const answer = await registries
    .ask(end, host, { path: 'v1', target: 'search', query: { q: word, n: String(limit) }, signal: scope.signal })
    .catch((thrown: unknown) => {
      if (!isFault(thrown, 'not_found')) throw thrown;
      throw notFound(`${host} has no search: it does not know /v1/search`, thrown);
    });
  const least = leastStars(filters);
  const [official, automated] = [filters.yesNo('is-official'), filters.yesNo('is-automated')];
  return resultsIn(answer, host).filter(
    (each) =>
      each.stars >= least &&
      (official === undefined || each.official === official) &&
      (automated === undefined || each.automated === automated),
  );
}

/** Which registry a term is looked for in. @throws invalid_argument */
export const registryOfTerm = (term: string): string => splitTerm(term).host;

function splitTerm(term: string): { readonly host: string; readonly word: string } {
  if (term.includes('://')) throw invalidArgument(`invalid repository name (${term}): it has a scheme`);
  const slash = term.indexOf('/');
  const first = term.slice(0, Math.max(slash, 0));
  if (!/[.:]/.test(first) && first !== 'localhost') return { host: dockerIndex, word: term };
  return { host: first === 'docker.io' ? dockerIndex : first, word: term.slice(slash + 1) };
}

function leastStars(filters: Filters): number {
  const [text = '0'] = filters.all('stars');
  if (!/^\d{1,9}$/.test(text)) throw invalidArgument(`invalid filter 'stars=${text}'`);
  return Number(text);
}

function resultsIn(answer: Uint8Array, host: string): readonly SearchResult[] {
  let results: unknown;
  try {
    ({ results } = JSON.parse(Buffer.from(answer).toString()) as { readonly results?: unknown });
  } catch (cause) {
    throw invalidArgument(`${host} answered a search with something else than JSON`, cause);
  }
  if (!Array.isArray(results)) return [];
  return results.map((each: Readonly<Record<string, unknown>>) => ({
    name: String(each.name ?? ''),
    description: String(each.description ?? ''),
    stars: Number(each.star_count) || 0,
    official: each.is_official === true,
    automated: each.is_automated === true,
  }));
}
