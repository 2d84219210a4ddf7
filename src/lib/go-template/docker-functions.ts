import { type GoFunctions, goFunction } from './functions.ts';
import { jsonOf } from './json.ts';

/** What docker adds to Go's functions. */
export const dockerFunctions: GoFunctions = {
  json: goFunction(['any'], (value: unknown) => jsonOf(value)),
  split: goFunction(['string', 'string'], (text: string, separator: string) =>
    separator === '' ? [...text] : text.split(separator),
  ),
  join: goFunction(['strings', 'string'], (items: readonly string[], separator: string) => items.join(separator)),
  title: goFunction(['string'], (text: string) =>
    text.replace(
      /(^|[\0-/:-@[-^`{-\x7f]|\s)(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  ),
  lower: goFunction(['string'], (text: string) => text.toLowerCase()),
  upper: goFunction(['string'], (text: string) => text.toUpperCase()),
  pad: goFunction(['string', 'int', 'int'], (text: string, before: number, after: number) =>
    text === '' ? text : ' '.repeat(limited(before)) + text + ' '.repeat(limited(after)),
  ),
  truncate: goFunction(['string', 'int'], (text: string, length: number) => {
    if (length < 0) throw new Error(`slice bounds out of range [:${length}]`);
    return Buffer.byteLength(text) < length ? text : Buffer.from(text).subarray(0, length).toString();
  }),
};

/** The same for a table's heading: what would change a value leaves the word as it is. */
export const headingFunctions: GoFunctions = {
  ...dockerFunctions,
  json: goFunction(['any'], (heading: unknown) => heading),
  title: goFunction(['any'], (heading: unknown) => heading),
  lower: goFunction(['any'], (heading: unknown) => heading),
  upper: goFunction(['any'], (heading: unknown) => heading),
  truncate: goFunction(['any', 'int'], (heading: unknown) => heading),
  join: goFunction(['any', 'string'], (heading: unknown) => heading),
  split: goFunction(['any', 'string'], (heading: unknown) => heading),
};

/** @throws for what no line needs */
function limited(spaces: number): number {
  if (spaces < 0) throw new Error('strings: negative Repeat count');
  if (spaces > 1_000_000) throw new Error('strings: Repeat output length overflow');
  return spaces;
}
