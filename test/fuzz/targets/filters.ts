import { parseFilters } from '#lib/filters/filter';
import { parseSelectors, type Selector } from '#lib/filters/parser';
import { accepted, type FuzzTarget, same, textOf } from '../target.ts';

const object = new Map([
  ['name', 'docker.io/library/busybox:latest'],
  ['labels.a.b/c', 'value'],
  ['size', '12345'],
  ['long', 'ab'.repeat(2000)],
]);
const adaptor = (path: readonly string[]) => {
  const value = object.get(path.join('.'));
  return { value: value ?? '', present: value !== undefined };
};

/** The filter language: reads or refuses, matches in bounded time, and conditions written out again are the same conditions. */
export const filters: FuzzTarget = {
  name: 'filters',
  // Regular expressions may use up what one filter is allowed.
  maxMs: 1_500,
  words: [
    '==',
    '!=',
    '~=',
    'labels.',
    'name',
    'long~=',
    '/',
    '|',
    '"',
    '\\x41',
    '\\u00e9',
    '\\101',
    '(a|b)*',
    '{1000}',
    '[^x]*',
    ',',
    '.',
    ' ',
  ],
  run(bytes) {
    const text = textOf(bytes);
    const filter = accepted(() => parseFilters([text]), 'invalid_argument');
    if (filter === undefined) return;
    accepted(() => filter.match(adaptor), 'resource_exhausted');
    if (text === '') return;
    const selectors = parseSelectors(text);
    // Half of a surrogate pair cannot be written.
    if (
      selectors.every((each) => JSON.stringify(each).isWellFormed() && !/\ufffd|\\ud[89a-f]/.test(JSON.stringify(each)))
    )
      same('written again', parseSelectors(selectors.map(written).join(',')), selectors);
  },
};

function written(selector: Selector): string {
  const path = selector.path.map(quoted).join('.');
  return selector.operator === 'present' ? path : `${path}${selector.operator}${quoted(selector.value)}`;
}

const quoted = (text: string): string =>
  `"${[...text].map((rune) => (/[\p{Cc}"\\]/u.test(rune) ? `\\u${rune.charCodeAt(0).toString(16).padStart(4, '0')}` : rune)).join('')}"`;
