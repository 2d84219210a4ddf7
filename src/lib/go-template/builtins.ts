import { type GoFunctions, goFunction } from './functions.ts';
import { goSprint, goSprintln } from './print.ts';
import { goSprintf } from './printf.ts';
import { type Basic, basicOf, compareBytes, isObject, isTrue, nilPointer, structType, typeOf } from './values.ts';

/** What every template of Go's may call. (`and` and `or` are the evaluator's: they look at no more than they need.) */
export const builtins: GoFunctions = {
  and: goFunction(['any'], () => undefined, 'any'),
  or: goFunction(['any'], () => undefined, 'any'),
  not: goFunction(['any'], (value: unknown) => !isTrue(value)),
  call: goFunction(
    ['any'],
    (value: unknown) => {
      if (value === null || value === undefined) throw new Error('call of nil');
      throw new Error(`non-function {operand} of type ${typeOf(value)}`);
    },
    'any',
  ),
  len: goFunction(['any'], length),
  index: goFunction(['any'], index, 'any'),
  slice: goFunction(['any'], slice, 'any'),
  print: goFunction([], (...values: readonly unknown[]) => goSprint(values), 'any'),
  println: goFunction([], (...values: readonly unknown[]) => goSprintln(values), 'any'),
  printf: goFunction(['string'], (format: string, ...values: readonly unknown[]) => goSprintf(format, values), 'any'),
  html: goFunction([], (...values: readonly unknown[]) => escapeHtml(escapable(values)), 'any'),
  js: goFunction([], (...values: readonly unknown[]) => escapeJs(escapable(values)), 'any'),
  urlquery: goFunction([], (...values: readonly unknown[]) => escapeQuery(escapable(values)), 'any'),
  eq: goFunction(['any'], equal, 'any'),
  ne: goFunction(['any', 'any'], (a: unknown, b: unknown) => !equal(a, b)),
  lt: goFunction(['any', 'any'], (a: unknown, b: unknown) => compare(a, b) < 0),
  le: goFunction(['any', 'any'], (a: unknown, b: unknown) => compare(a, b) <= 0),
  gt: goFunction(['any', 'any'], (a: unknown, b: unknown) => compare(a, b) > 0),
  ge: goFunction(['any', 'any'], (a: unknown, b: unknown) => compare(a, b) >= 0),
};

function length(value: unknown): number {
  if (value === undefined) throw new Error('reflect: call of reflect.Value.Type on zero Value');
  if (value === nilPointer) return 0;
  if (value === null) throw new Error('len of nil pointer');
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isObject(value) && structType(value) === undefined) return Object.keys(value).length;
  throw new Error(`len of type ${typeOf(value)}`);
}

function index(of: unknown, ...keys: readonly unknown[]): unknown {
  // A struct's member without a value may be an empty map.
  let value = of === nilPointer ? {} : of;
  if (value === undefined || value === null) throw new Error('index of untyped nil');
  for (const key of keys) {
    if (value === undefined || value === null) throw new Error('index of nil pointer');
    if (typeof value === 'string') value = Buffer.from(value)[place(key, Buffer.byteLength(value) - 1)];
    else if (Array.isArray(value)) value = value[place(key, value.length - 1)];
    else if (isObject(value) && structType(value) === undefined) {
      if (typeof key !== 'string') throw new Error(`value has type ${typeOf(key)}; should be string`);
      value = Object.hasOwn(value, key) ? value[key] : absent(value);
    } else throw new Error(`can't index item of type ${typeOf(value)}`);
  }
  return value;
}

/** What is not in a map of texts is an empty one: labels are such a map, and so is an empty map. */
const absent = (map: Readonly<Record<string, unknown>>): unknown =>
  Object.values(map).every((each) => typeof each === 'string') ? '' : undefined;

/** An index that has been checked. */
function place(key: unknown, most: number): number {
  if (key === undefined || key === null) throw new Error('cannot index slice/array with nil');
  const basic = basicOf(key);
  if (basic?.kind !== 'int') throw new Error(`cannot index slice/array with type ${typeOf(key)}`);
  if (basic.value < 0n || basic.value > BigInt(most)) throw new Error(`index out of range: ${basic.value}`);
  return Number(basic.value);
}

function slice(of: unknown, ...bounds: readonly unknown[]): unknown {
  if (of === undefined || of === null) throw new Error('slice of untyped nil');
  if (bounds.length > 3) throw new Error(`too many slice indexes: ${bounds.length}`);
  if (typeof of === 'string' && bounds.length === 3) throw new Error('cannot 3-index slice a string');
  if (typeof of !== 'string' && !Array.isArray(of)) throw new Error(`can't slice item of type ${typeOf(of)}`);
  const whole = typeof of === 'string' ? Buffer.from(of) : of;
  const [from = 0, to = whole.length] = bounds.map((each) => place(each, whole.length));
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  return typeof of === 'string' ? whole.slice(from, to).toString() : whole.slice(from, to);
}

const isNil = (value: unknown): boolean => value === null || value === undefined || value === nilPointer;

function equal(first: unknown, ...others: readonly unknown[]): boolean {
  if (others.length === 0) throw new Error('missing argument for comparison');
  return others.some((other) => {
    if (isNil(first) || isNil(other)) return isNil(first) && isNil(other);
    const [a, b] = [basicOf(first), basicOf(other)];
    if (a === undefined || b === undefined) return throwIncomparable(first, other);
    if (a.kind !== b.kind) return throwIncompatible(first, other);
    return a.value === b.value;
  });
}

const throwIncompatible = (a: unknown, b: unknown): never => {
  throw new Error(`incompatible types for comparison: ${typeOf(a)} and ${typeOf(b)}`);
};

function throwIncomparable(a: unknown, b: unknown): never {
  if (typeOf(a) !== typeOf(b)) return throwIncompatible(a, b);
  throw new Error(`non-comparable type ${goSprintf('%s', [a])}: ${typeOf(a)}`);
}

function compare(first: unknown, second: unknown): number {
  const [a, b] = [basicOf(first), basicOf(second)];
  if (a === undefined || b === undefined) throw new Error('invalid type for comparison');
  if (a.kind !== b.kind) return throwIncompatible(first, second);
  if (a.kind === 'bool') throw new Error('invalid type for comparison');
  return order(a, b);
}

function order(a: Basic, b: Basic): number {
  if (a.kind === 'string' && b.kind === 'string') return compareBytes(a.value, b.value);
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

const escapable = (values: readonly unknown[]): string =>
  values.length === 1 && typeof values[0] === 'string' ? values[0] : goSprint(values);

const htmlEscapes: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};
const escapeHtml = (text: string): string =>
  text.replace(/[\0"'&<>]/g, (character) => htmlEscapes[character] as string);

const jsEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
};
const escapeJs = (text: string): string =>
  text.replace(
    /[\\'"<>&=]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu,
    (character) =>
      jsEscapes[character] ?? `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
  );

const escapeQuery = (text: string): string =>
  encodeURIComponent(text.toWellFormed())
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
