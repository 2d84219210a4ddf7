import { invalidArgument, wrap } from '#base/errors';
import { type Digest, parseDigest } from '../digest.ts';
import type { Json } from './bounded-json.ts';

export type JsonObject = { readonly [key: string]: Json };

/**
 * Reads one object of a JSON document with errors that name the place. As Go has it, `null` is the same as absent.
 * All methods throw invalid_argument for a value of another kind.
 */
export class Fields {
  readonly #object: JsonObject;
  readonly #place: string;

  constructor(value: Json | undefined, place: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wanted(place, 'an object');
    this.#object = value as JsonObject;
    this.#place = place;
  }

  /** Where it stands in its document, for errors. */
  get place(): string {
    return this.#place;
  }

  get keys(): readonly string[] {
    return Object.keys(this.#object);
  }

  /** All of them as they are, for documents whose keys are not known. */
  get values(): JsonObject {
    return this.#object;
  }

  /**
   * Refuses keys that differ from a known one only in case. Go's decoder takes them for the known one, so that a document that has both
   * would say different things to different readers.
   */
  checkSpelling(known: readonly string[]): void {
    const spellings = new Map(known.map((key) => [fold(key), key]));
    for (const key of this.keys) {
      const spelling = spellings.get(fold(key));
      if (spelling === undefined || spelling === key) continue;
      throw invalidArgument(`${this.#at(key)}: ambiguous: another spelling of ${JSON.stringify(spelling)}`);
    }
  }

  has(key: string): boolean {
    return this.#raw(key) !== undefined;
  }

  text(key: string): string | undefined {
    const value = this.#raw(key);
    if (value === undefined || typeof value === 'string') return value;
    throw wanted(this.#at(key), 'a string');
  }

  requiredText(key: string): string {
    const value = this.text(key);
    if (value === undefined || value === '') throw invalidArgument(`${this.#at(key)}: missing`);
    return value;
  }

  boolean(key: string): boolean | undefined {
    const value = this.#raw(key);
    if (value === undefined || typeof value === 'boolean') return value;
    throw wanted(this.#at(key), 'true or false');
  }

  /** A whole number from 0 that can be told exactly. */
  count(key: string): number | undefined {
    const value = this.#raw(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw wanted(this.#at(key), 'a whole number from 0');
  }

  digest(value: Json | undefined, place: string): Digest {
    if (typeof value !== 'string') throw wanted(`${this.#place}.${place}`, 'a digest');
    try {
      return parseDigest(value);
    } catch (thrown) {
      throw wrap(thrown, `${this.#place}.${place}`);
    }
  }

  requiredDigest(key: string): Digest {
    return this.digest(this.#raw(key), key);
  }

  /** Empty when absent. */
  list(key: string, max: number): readonly Json[] {
    const value = this.#raw(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw wanted(this.#at(key), 'a list');
    if (value.length > max) throw invalidArgument(`${this.#at(key)}: ${value.length} entries, at most ${max}`);
    return value as readonly Json[];
  }

  texts(key: string, max: number): readonly string[] | undefined {
    if (!this.has(key)) return undefined;
    return this.list(key, max).map((value, i) => {
      if (typeof value !== 'string') throw wanted(`${this.#at(key)}[${i}]`, 'a string');
      return value;
    });
  }

  object(key: string): Fields | undefined {
    return this.has(key) ? new Fields(this.#raw(key), this.#at(key)) : undefined;
  }

  objects(key: string, max: number): readonly Fields[] {
    return this.list(key, max).map((value, i) => new Fields(value, `${this.#at(key)}[${i}]`));
  }

  /** A map from text to text. `null` values count as empty. */
  map(key: string): Readonly<Record<string, string>> | undefined {
    const fields = this.object(key);
    if (fields === undefined) return undefined;
    return Object.fromEntries(fields.keys.map((name) => [name, fields.text(name) ?? '']));
  }

  #raw(key: string): Json | undefined {
    return Object.hasOwn(this.#object, key) ? (this.#object[key] ?? undefined) : undefined;
  }

  #at(key: string): string {
    return `${this.#place}.${key.slice(0, 64)}`;
  }
}

// Upper case first: two letters outside ASCII (long s, Kelvin sign) fold to ones inside it.
const fold = (key: string) => key.toUpperCase().toLowerCase();

const wanted = (place: string, what: string) => invalidArgument(`${place}: wanted ${what}`);
