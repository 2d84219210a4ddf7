import { invalidArgument } from '#base/errors';
import { now, type Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';
import { parseMoment } from '#lib/docker-time';

/** docker's `--filter`: what must hold, by key. Several values of one key: one is enough, but for labels, which must all be there. */
export class Filters {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  get empty(): boolean {
    return this.#values.size === 0;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** The values in the order given; none when there is no such filter. */
  all(key: string): readonly string[] {
    return this.#values.get(key) ?? [];
  }

  /** Whether one of the values is this one, or there is no such filter. */
  exact(key: string, value: string): boolean {
    return !this.has(key) || this.all(key).includes(value);
  }

  /** Whether one of the values says so, or there is no such filter. */
  some(key: string, matches: (value: string) => boolean): boolean {
    return !this.has(key) || this.all(key).some(matches);
  }

  /** `label=key`, `label=key=value`: all must be there. `label!=…`: not all of them may. */
  labels(labels: Labels): boolean {
    if (!this.all('label').every((wanted) => hasLabel(labels, wanted))) return false;
    return !this.has('label!') || !this.all('label!').every((wanted) => hasLabel(labels, wanted));
  }

  /** Undefined without the filter. @throws invalid_argument for what is neither yes nor no */
  yesNo(key: string): boolean | undefined {
    const [value] = this.all(key);
    if (value === undefined) return undefined;
    if (['true', '1', 't', 'T', 'TRUE', 'True'].includes(value)) return true;
    if (['false', '0', 'f', 'F', 'FALSE', 'False'].includes(value)) return false;
    throw invalidArgument(`invalid filter '${key}=${value}'`);
  }

  /** The moment of `until` or `since`. @throws invalid_argument also when it is given twice */
  moment(key: string, present: Timestamp = now()): Timestamp | undefined {
    const [value, ...more] = this.all(key);
    if (value === undefined) return undefined;
    if (more.length > 0) throw invalidArgument(`more than one ${key} filter specified`);
    return parseMoment(value, present);
  }
}

const hasLabel = (labels: Labels, wanted: string): boolean => {
  const at = wanted.indexOf('=');
  const key = at < 0 ? wanted : wanted.slice(0, at);
  return Object.hasOwn(labels, key) && (at < 0 || labels[key] === wanted.slice(at + 1));
};

/**
 * Reads the words of `--filter`, of which a command knows these keys.
 *
 * @throws invalid_argument in docker's words for another key
 */
export function parseFilters(words: readonly string[], known: readonly string[]): Filters {
  const values = new Map<string, string[]>();
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 0) throw new FilterFormError(word);
    const key = word.slice(0, at).trim().toLowerCase();
    if (!known.includes(key)) throw invalidArgument(`Invalid filter '${key}'`);
    values.set(key, [...(values.get(key) ?? []), word.slice(at + 1).trim()]);
  }
  return new Filters(values);
}

/** What is not `name=value`: to docker a mistake on the command line. */
export class FilterFormError extends Error {
  constructor(word: string) {
    super(
      `invalid argument ${JSON.stringify(word)} for "-f, --filter" flag: bad format of filter (expected name=value)`,
    );
    this.name = 'FilterFormError';
  }
}

/**
 * A matcher for names: a regular expression that may match anywhere; one that cannot be read matches only itself. The code for expressions is
 * imported where one is needed.
 */
export async function nameMatcher(pattern: string): Promise<(name: string) => boolean> {
  if (/^[\w\-/: ]*$/.test(pattern)) return (name) => name.includes(pattern);
  const { RE2JS } = await import('re2js');
  try {
    const compiled = RE2JS.compile(pattern);
    return (name) => name === pattern || compiled.matcher(name).find();
  } catch {
    return (name) => name === pattern;
  }
}
