import { invalidArgument } from '#base/errors';

/** One flag as data: parser, help, completion and the manual all read it. */
export interface Flag<T = unknown> {
  readonly kind: 'flag' | 'text' | 'list' | 'number' | 'float' | 'duration';
  readonly help: string;
  /** A single letter, or further spellings. */
  readonly alias: readonly string[];
  readonly default: T;
  /** Environment variable that supplies the value when the flag is absent. */
  readonly env?: string;
  /** The word for the value in the help. */
  readonly value: string;
  readonly hidden: boolean;
  /** What the help shows as the default, when that is not a value but something that is found out. */
  readonly shown?: string;
  /** What its values are names of (`images`), or `files` or `directories`: for completions. */
  readonly completes?: string;
  /** Why it is known and not taken: whoever gives it is told so. */
  readonly refused?: string;
}

interface Common {
  readonly alias?: string | readonly string[];
  readonly env?: string;
  readonly value?: string;
  readonly hidden?: boolean;
  readonly shown?: string;
  readonly completes?: string;
  readonly refused?: string;
}

export type Flags = Readonly<Record<string, Flag>>;
export type Values<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** Present or not; `--x=false` takes it back. */
export const flag = (help: string, options: Common = {}): Flag<boolean> => make('flag', help, false, options);
export const text = (help: string, options: Common & { readonly default?: string } = {}): Flag<string> =>
  make('text', help, options.default ?? '', options);
/** May be given many times; every use adds one. */
export const list = (help: string, options: Common = {}): Flag<readonly string[]> => make('list', help, [], options);
/** A whole number. */
export const number = (help: string, options: Common & { readonly default?: number } = {}): Flag<number> =>
  make('number', help, options.default ?? 0, options);
export const float = (help: string, options: Common & { readonly default?: number } = {}): Flag<number> =>
  make('float', help, options.default ?? 0, options);
/** Go's form (`1h2m`, `300ms`); the value is in milliseconds. */
export const duration = (help: string, options: Common & { readonly default?: number } = {}): Flag<number> =>
  make('duration', help, options.default ?? 0, options);

function make<T>(kind: Flag['kind'], help: string, fallback: T, options: Common): Flag<T> {
  const alias = options.alias === undefined ? [] : typeof options.alias === 'string' ? [options.alias] : options.alias;
  return {
    kind,
    help,
    alias,
    default: fallback,
    value: options.value ?? 'value',
    hidden: options.hidden ?? false,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.shown === undefined ? {} : { shown: options.shown }),
    ...(options.completes === undefined ? {} : { completes: options.completes }),
    ...(options.refused === undefined ? {} : { refused: options.refused, hidden: true }),
  };
}

export interface Parsed<F extends Flags> {
  readonly values: Values<F>;
  /** Names of the flags that the user gave himself. */
  readonly given: ReadonlySet<keyof F & string>;
  /** What follows the flags. */
  readonly rest: readonly string[];
  readonly help: boolean;
}

/**
 * Reads flags as Go's `flag` package does: one dash or two, `--x=v` or `--x v`, up to the first word that is none, or `--`.
 * @throws invalid_argument naming the flag
 */
export function parseFlags<F extends Flags>(
  flags: F,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Parsed<F> {
  const names = spellings(flags);
  const values: Record<string, unknown> = {};
  const given = new Set<string>();
  let help = false;
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    const [spelled = '', inline] = splitOnce(word.replace(/^--?/, ''));
    const name = names.get(spelled);
    if (name === undefined) {
      if (spelled !== 'h' && spelled !== 'help') throw invalidFlag(`flag provided but not defined: -${spelled}`);
      help = true;
      continue;
    }
    const known = flags[name] as Flag;
    const value = inline ?? (known.kind === 'flag' ? 'true' : argv[++at]);
    if (value === undefined) throw invalidFlag(`flag needs an argument: -${spelled}`);
    const read = readValue(known, spelled, value);
    values[name] = known.kind === 'list' ? [...((values[name] as readonly string[] | undefined) ?? []), read] : read;
    given.add(name);
  }
  const whole = withDefaults(flags, values, env);
  return { values: whole, given: given as Set<keyof F & string>, rest: argv.slice(at), help };
}

/** With the values of those that were not given: from the environment, or else their defaults. @throws invalid_argument */
export function withDefaults<F extends Flags>(
  flags: F,
  given: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): Values<F> {
  const values: Record<string, unknown> = { ...given };
  for (const [name, known] of Object.entries(flags)) {
    if (name in values) continue;
    const inherited = known.env === undefined ? undefined : env[known.env];
    values[name] = inherited === undefined || inherited === '' ? known.default : readValue(known, name, inherited);
  }
  return values as Values<F>;
}

/** Reads Go's duration form into milliseconds. @throws invalid_argument */
export function parseDuration(text: string): number {
  const units: Readonly<Record<string, number>> = {
    ns: 1e-6,
    us: 1e-3,
    µs: 1e-3,
    ms: 1,
    s: 1000,
    m: 60_000,
    h: 3_600_000,
  };
  if (text === '0') return 0;
  if (!/^[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text))
    throw invalidFlag(`invalid duration ${JSON.stringify(text)}`);
  let ms = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g))
    ms += Number(amount) * (units[unit] ?? 0);
  return text.startsWith('-') ? -ms : ms;
}

function spellings(flags: Flags): Map<string, string> {
  const names = new Map<string, string>();
  for (const [name, known] of Object.entries(flags))
    for (const spelled of [name, ...known.alias]) names.set(spelled, name);
  return names;
}

function splitOnce(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** @throws FlagFault */
export function readValue(known: Flag, spelled: string, value: string): unknown {
  switch (known.kind) {
    case 'flag':
      if (/^(1|t|true)$/i.test(value)) return true;
      if (/^(0|f|false)$/i.test(value)) return false;
      throw invalidFlag(`invalid boolean value ${JSON.stringify(value)} for -${spelled}: parse error`);
    case 'number':
      if (/^[+-]?(0x[0-9a-f]+|\d+)$/i.test(value) && Number.isSafeInteger(Number(value))) return Number(value);
      throw invalidFlag(`invalid value ${JSON.stringify(value)} for flag -${spelled}: parse error`);
    case 'float':
      if (value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
      throw invalidFlag(`invalid value ${JSON.stringify(value)} for flag -${spelled}: parse error`);
    case 'duration':
      return parseDuration(value);
    default:
      return value;
  }
}

/** Flag errors read as Go's, without the phrase of their class. */
export class FlagFault extends Error {}
function invalidFlag(message: string): FlagFault {
  return new FlagFault(message, { cause: invalidArgument(message) });
}
