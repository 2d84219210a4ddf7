import { invalidArgument } from '#base/errors';
import { BoundedRegex, RegexBudget } from './bounded-regex.ts';
import { parseSelectors, type Selector } from './parser.ts';

/** What a field of the object in question holds. A field that is not there has the empty value and `present: false`. */
export interface Field {
  readonly value: string;
  readonly present: boolean;
}

/** Shows an object to a filter: the value at a path such as `['labels', 'a.b/c']`. */
export type Adaptor = (path: readonly string[]) => Field;

export interface Filter {
  /** One of these lists must hold in all its conditions; empty when everything matches. For stores that can look some of them up. */
  readonly alternatives: readonly (readonly Selector[])[];
  /** @throws resource_exhausted when regular expressions take more than about a quarter of a second together. */
  match(adaptor: Adaptor): boolean;
}

export const absent: Field = { value: '', present: false };
export const field = (value: string): Field => ({ value, present: value !== '' });

/** The field of a map: what remains of the path is one key, so that `labels.a.b` and `labels."a.b"` mean the same. */
export function mapField(
  path: readonly string[],
  map: ReadonlyMap<string, string> | Readonly<Record<string, string>>,
): Field {
  const key = path.join('.');
  const value =
    map instanceof Map ? map.get(key) : Object.hasOwn(map, key) ? (map as Record<string, string>)[key] : undefined;
  return value === undefined ? absent : { value, present: true };
}

export const matchAll: Filter = { alternatives: [], match: () => true };

const maxTotalLength = 1 << 20;
const maxPatternLength = 4096;

/**
 * Reads filters in containerd's language. An object matches when one of them matches; no filters, or an empty one, match all.
 * Takes time linear in the text.
 *
 * @throws invalid_argument for bad syntax, more than 1 MiB of text, or a regular expression longer than 4096 characters.
 */
export function parseFilters(filters: readonly string[]): Filter {
  const total = filters.reduce((sum, text) => sum + text.length, 0);
  if (total > maxTotalLength) throw invalidArgument(`filters: ${total} characters, at most ${maxTotalLength}`);
  const alternatives = filters.map((text) => (text === '' ? [] : parseSelectors(text)));
  if (alternatives.length === 0 || alternatives.some((selectors) => selectors.length === 0)) return matchAll;
  const budget = new RegexBudget();
  const tests = alternatives.map((selectors) => selectors.map((selector) => testOf(selector, budget)));
  return {
    alternatives,
    match: (adaptor) => tests.some((all) => all.every((test) => test(adaptor))),
  };
}

function testOf(selector: Selector, budget: RegexBudget): (adaptor: Adaptor) => boolean {
  const { path, operator } = selector;
  switch (operator) {
    case 'present':
      return (adaptor) => adaptor(path).present;
    case '==': {
      const { value } = selector;
      return (adaptor) => {
        const found = adaptor(path);
        return found.present && found.value === value;
      };
    }
    case '!=':
      return (adaptor) => adaptor(path).value !== selector.value;
    case '~=': {
      if (selector.value.length > maxPatternLength) {
        throw invalidArgument(
          `filters: regular expression of ${selector.value.length} characters, at most ${maxPatternLength}`,
        );
      }
      const regex = new BoundedRegex(selector.value, budget);
      return (adaptor) => regex.test(adaptor(path).value);
    }
  }
}
