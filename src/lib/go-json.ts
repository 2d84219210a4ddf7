import type { Json } from './oci/bounded-json.ts';

/**
 * JSON exactly as Go writes it: `<`, `>`, `&` and the two line separators of Unicode escaped, lone surrogates replaced. Keys keep their order;
 * undefined ones are left out. With `indent`, as ctr prints it (four spaces).
 */
export function goJson(value: Json | object, indent = ''): string {
  const text = JSON.stringify(value, wellFormed, indent);
  // Empty objects and lists are the same in both; what differs can only stand inside strings.
  return text.replace(special, (character) => escapes.get(character) as string);
}

/** As ctr prints it. */
export const ctrJson = (value: Json | object): string => goJson(value, '    ');

const special = /[<>&\u2028\u2029]|\\b|\\f|\\\\/g;
const escapes: ReadonlyMap<string, string> = new Map([
  ['<', '\\u003c'],
  ['>', '\\u003e'],
  ['&', '\\u0026'],
  ['\u2028', '\\u2028'],
  ['\u2029', '\\u2029'],
  // Go before 1.22 has no short forms for these two.
  ['\\b', '\\u0008'],
  ['\\f', '\\u000c'],
  // Matched so that a backslash of the text is not taken for the start of one of those.
  ['\\\\', '\\\\'],
]);

const wellFormed = (_: string, value: unknown) => (typeof value === 'string' ? value.toWellFormed() : value);
