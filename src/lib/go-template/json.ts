import { GoFloat, keysOf, nilPointer } from './values.ts';

/**
 * JSON as docker's templates and `inspect` write it: keys of maps in order, fields of structs as declared, `<`, `>` and `&` as they are.
 * Members that are undefined are left out, as Go leaves out empty ones. With `indent`, over several lines.
 */
export function jsonOf(value: unknown, indent = ''): string {
  return write(value, indent, indent === '' ? '' : '\n');
}

function write(value: unknown, indent: string, newline: string): string {
  if (value === undefined || value === null || value === nilPointer || typeof value === 'function') return 'null';
  if (value instanceof GoFloat) return JSON.stringify(value.value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object') return scalar(value);
  const inner = newline + indent;
  if (Array.isArray(value))
    return wrapped(
      '[]',
      value.map((each) => write(each, indent, inner)),
      inner,
      newline,
    );
  const object = value as Readonly<Record<string, unknown>>;
  const colon = newline === '' ? ':' : ': ';
  const members = keysOf(object)
    .filter((key) => object[key] !== undefined)
    .map((key) => `${scalar(key)}${colon}${write(object[key], indent, inner)}`);
  return wrapped('{}', members, inner, newline);
}

const wrapped = ([open, close]: string, parts: readonly string[], inner: string, newline: string): string =>
  parts.length === 0 ? `${open}${close}` : `${open}${inner}${parts.join(`,${inner}`)}${newline}${close}`;

const scalar = (value: unknown): string =>
  JSON.stringify(typeof value === 'string' ? value.toWellFormed() : value).replace(
    /[\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16)}`,
  );
