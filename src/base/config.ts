/**
 * Configuration declared once: from a `table({ … })` come the type of what a plugin receives, the reader with its errors,
 * the defaults, the printed `config default`, the reference page and a JSON Schema.
 *
 * Keys stay as they are spelt in the file (snake_case); there is no second naming.
 */
import { formatDuration, parseDuration } from './duration.ts';
import { invalidArgument } from './errors.ts';

/** Where a value stands, for errors and warnings. */
export interface Place {
  readonly file: string;
  /** The keys that lead to it from the top of the file. */
  readonly path: readonly string[];
  /** Told of every key that nothing declares, with the declared key that looks most like it. */
  readonly unknown: (path: readonly string[], suggestion?: string) => void;
}

/** A value as TOML has it. */
export type Raw = string | number | boolean | readonly Raw[] | RawTable;
export interface RawTable {
  readonly [key: string]: Raw;
}
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One key's declaration. */
export interface Field<T> {
  /** What is wanted, in the words of an error: `a whole number`. */
  readonly wanted: string;
  readonly help: string;
  readonly fallback: T;
  readonly schema: JsonSchema;
  /** The declarations inside, for a table. */
  readonly fields?: Readonly<Record<string, Field<unknown>>>;
  /** Throws `invalid_argument` naming file, table, key and what was wanted. */
  read(raw: unknown, at: Place): T;
  /** The inverse: what would be written in the file for this value. */
  write(value: T): Raw;
}

export interface Table<C> extends Field<C> {
  readonly fields: Readonly<Record<string, Field<unknown>>>;
}

/** What a declaration yields: `ConfigOf<typeof myTable>`. */
export type ConfigOf<F> = F extends Field<infer T> ? T : never;

interface Options<T> {
  readonly default?: T;
  readonly help?: string;
}

/** A string; '' unless it says otherwise. */
export function text(options: Options<string> = {}): Field<string> {
  return leaf('a string', { type: 'string' }, options.default ?? '', options.help, (raw) =>
    typeof raw === 'string' ? raw : undefined,
  );
}

/** `true` or `false`; false unless it says otherwise. */
export function flag(options: Options<boolean> = {}): Field<boolean> {
  return leaf('true or false', { type: 'boolean' }, options.default ?? false, options.help, (raw) =>
    typeof raw === 'boolean' ? raw : undefined,
  );
}

/** A number between `min` and `max`; whole unless `fraction` is set; 0 unless it says otherwise. */
export function number(
  options: Options<number> & { readonly min?: number; readonly max?: number; readonly fraction?: boolean } = {},
): Field<number> {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, fraction = false } = options;
  const least = Number.isFinite(min) ? ` from ${min}` : '';
  const most = Number.isFinite(max) ? ` to ${max}` : '';
  const schema = {
    type: fraction ? 'number' : 'integer',
    ...(Number.isFinite(min) && { minimum: min }),
    ...(Number.isFinite(max) && { maximum: max }),
  };
  return leaf(
    `a ${fraction ? '' : 'whole '}number${least}${most}`,
    schema,
    options.default ?? 0,
    options.help,
    (raw) =>
      typeof raw === 'number' && raw >= min && raw <= max && (fraction || Number.isSafeInteger(raw)) ? raw : undefined,
  );
}

/** A duration in Go's words (`10s`, `1m30s`), received as milliseconds. */
export function duration(options: Options<string> = {}): Field<number> {
  const wanted = 'a duration such as "10s" or "1m30s"';
  const fallback = parseDuration(options.default ?? '0s');
  if (fallback === undefined) throw invalidArgument(`default ${options.default}: wanted ${wanted}`);
  const schema = { type: 'string', pattern: String.raw`^[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)$` };
  const field = leaf<number>(wanted, schema, fallback, options.help, (raw) =>
    typeof raw === 'string' ? parseDuration(raw) : undefined,
  );
  return { ...field, write: formatDuration };
}

/** One of these words. */
export function oneOf<const V extends string>(
  values: readonly V[],
  options: { readonly default: NoInfer<V>; readonly help?: string },
): Field<V> {
  const wanted = values.map((value) => JSON.stringify(value)).join(' or ');
  return leaf(wanted, { enum: values }, options.default, options.help, (raw) => values.find((value) => value === raw));
}

/** An array whose every element is an `item`; empty unless it says otherwise. */
export function list<T>(item: Field<T>, options: Options<readonly T[]> = {}): Field<readonly T[]> {
  const wanted = `an array, each element ${item.wanted}`;
  return {
    wanted,
    help: options.help ?? '',
    fallback: options.default ?? [],
    schema: { type: 'array', items: item.schema },
    ...(item.fields !== undefined && { fields: item.fields }),
    read(raw, at) {
      if (!Array.isArray(raw)) throw mismatch(wanted, raw, at);
      return raw.map((element, i) => item.read(element, { ...at, path: [...at.path, String(i)] }));
    },
    write: (value) => value.map((element) => item.write(element)),
  };
}

/** A table whose keys the user chooses and whose every value is an `item`; empty unless it says otherwise. */
export function map<T>(
  item: Field<T>,
  options: Options<Readonly<Record<string, T>>> = {},
): Field<Readonly<Record<string, T>>> {
  const wanted = `a table, each value ${item.wanted}`;
  return {
    wanted,
    help: options.help ?? '',
    fallback: options.default ?? {},
    schema: { type: 'object', additionalProperties: item.schema },
    read(raw, at) {
      if (!isTable(raw)) throw mismatch(wanted, raw, at);
      return mapValues(raw, (value, key) => item.read(value, { ...at, path: [...at.path, key] }));
    },
    write: (value) => mapValues(value, (each) => item.write(each)),
  };
}

/** Anything at all, handed on as it stands: for options that belong to somebody else (a runtime's, an external plugin's). */
export function opaque(options: Options<Raw> = {}): Field<Raw> {
  return {
    wanted: 'anything',
    help: options.help ?? '',
    fallback: options.default ?? {},
    schema: {},
    read: (raw) => raw as Raw,
    write: (value) => value,
  };
}

type Values<S> = { readonly [K in keyof S]: ConfigOf<S[K]> };

/** A table of declared keys. A key that is missing has its default; one that nothing declares is reported and ignored. */
export function table<const S extends Readonly<Record<string, Field<unknown>>>>(
  fields: S,
  options: { readonly help?: string } = {},
): Table<Values<S>> {
  return {
    wanted: 'a table',
    help: options.help ?? '',
    fallback: mapValues(fields, (field) => field.fallback) as Values<S>,
    schema: { type: 'object', properties: mapValues(fields, describe), additionalProperties: false },
    fields,
    read(raw, at) {
      if (!isTable(raw)) throw mismatch('a table', raw, at);
      for (const key of Object.keys(raw)) {
        if (!Object.hasOwn(fields, key)) at.unknown([...at.path, key], nearest(key, Object.keys(fields)));
      }
      return mapValues(fields, (field, key) =>
        Object.hasOwn(raw, key) ? field.read(raw[key], { ...at, path: [...at.path, key] }) : field.fallback,
      ) as Values<S>;
    },
    write: (value) => mapValues(value as Readonly<Record<string, unknown>>, (each, key) => fields[key]!.write(each)),
  };
}

/** The table without keys, for a plugin that takes no configuration. */
export const noConfig: Table<Readonly<Record<never, never>>> = table({});

/** True for a TOML table (not an array, not a date). */
export function isTable(raw: unknown): raw is RawTable {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) && !(raw instanceof Date);
}

/** `grpc.uid`, `plugins."io.containerd.gc.v1.scheduler"`: keys joined as TOML writes them. */
export function formatPath(path: readonly string[]): string {
  return path.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key))).join('.');
}

/** The error for a value that is not what its declaration wants. */
export function mismatch(wanted: string, raw: unknown, at: Place): Error {
  const key = at.path.at(-1);
  const where = [at.file, formatPath(at.path.slice(0, -1)), key].filter((each) => each !== undefined && each !== '');
  return invalidArgument(`${where.join(': ')}: wanted ${wanted}, got ${show(raw)}`);
}

/** The candidate that a misspelt word most likely meant, if one is near enough. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 2.5));
  const scored = candidates.map((candidate) => ({ candidate, far: distance(word, candidate) }));
  return scored.filter(({ far }) => far <= limit).sort((a, b) => a.far - b.far)[0]?.candidate;
}

function leaf<T extends string | number | boolean>(
  wanted: string,
  schema: JsonSchema,
  fallback: T,
  help: string | undefined,
  accept: (raw: unknown) => T | undefined,
): Field<T> {
  return {
    wanted,
    help: help ?? '',
    fallback,
    schema,
    read(raw, at) {
      const value = accept(raw);
      if (value === undefined) throw mismatch(wanted, raw, at);
      return value;
    },
    write: (value) => value,
  };
}

function describe(field: Field<unknown>): JsonSchema {
  const help = field.help === '' ? {} : { description: field.help };
  return field.schema.type === 'object' && field.fields !== undefined
    ? { ...field.schema, ...help }
    : { ...field.schema, ...help, default: field.write(field.fallback) };
}

function mapValues<A, B>(from: Readonly<Record<string, A>>, change: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value, key)]));
}

function show(raw: unknown): string {
  if (Array.isArray(raw)) return 'an array';
  if (isTable(raw)) return 'a table';
  if (raw instanceof Date) return 'a date';
  const shown = typeof raw === 'string' ? JSON.stringify(raw) : String(raw);
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
}

/** Edits (insert, delete, replace) between two short words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
