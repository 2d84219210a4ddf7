const typeName = Symbol('go type');

/** A whole number that is a float in Go, which matters to comparisons and to the verbs of printf. */
export class GoFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** What a struct's member without a value is: Go prints it as `<nil>`, and what is missing from a map as `<no value>`. To loops it is an empty list or map. */
export const nilPointer = Symbol('nil pointer');

/**
 * What templates see: null, booleans, strings, numbers (ints where they are whole), big integers, lists, maps (plain objects) and structs.
 * `undefined` is a value that is missing.
 */
export type GoMap = Readonly<Record<string, unknown>>;

/**
 * Marks an object as a struct of Go's: unknown fields are errors that name the type, its fields keep their order, and members that are
 * functions are methods. Other objects are maps. Only own properties count; getters are read when a template wants them.
 */
export function struct<T extends object>(type: string, fields: T): T {
  Object.defineProperty(fields, typeName, { value: type });
  return fields;
}

export const structType = (value: object): string | undefined =>
  Object.hasOwn(value, typeName) ? (value as { readonly [typeName]: string })[typeName] : undefined;

export const isObject = (value: unknown): value is GoMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof GoFloat);

/** The keys of a map as Go walks over them, the fields of a struct as they are declared; without methods. */
export function keysOf(value: GoMap): readonly string[] {
  const keys = Object.keys(value);
  if (structType(value) === undefined) return keys.sort(compareBytes);
  return keys.filter((key) => typeof value[key] !== 'function');
}

/** The order of Go's strings, which is that of their code points. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  // Only surrogates sort otherwise as UTF-16.
  if (!/[\ud800-\uffff]/.test(a + b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Go's name for the type of a value. */
export function typeOf(value: unknown): string {
  if (value === null || value === undefined || value === nilPointer) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (value instanceof GoFloat) return 'float64';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float64';
    case 'bigint':
      return 'int';
    case 'function':
      return 'func()';
    default:
      return structType(value as object) ?? 'map[string]interface {}';
  }
}

export type Basic =
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string };

/** The value as one of the kinds that can be compared; undefined for others. */
export function basicOf(value: unknown): Basic | undefined {
  if (value instanceof GoFloat) return { kind: 'float', value: value.value };
  switch (typeof value) {
    case 'boolean':
      return { kind: 'bool', value };
    case 'string':
      return { kind: 'string', value };
    case 'bigint':
      return { kind: 'int', value };
    case 'number':
      return Number.isInteger(value) ? { kind: 'int', value: BigInt(value) } : { kind: 'float', value };
    default:
      return undefined;
  }
}

/** Whether an `if` takes it. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined || value === nilPointer) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof GoFloat) return value.value !== 0;
  if (isObject(value)) return structType(value) !== undefined || Object.keys(value).length > 0;
  return Boolean(value);
}
