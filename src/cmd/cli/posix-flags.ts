import { type Flag, FlagFault, type Flags, type Parsed, readValue, withDefaults } from './flags.ts';

/**
 * Reads flags as docker's and nerdctl's users write them: `--name v`, `--name=v`, letters together (`-it`), a letter's value behind it
 * (`-p80:80`), and, when `interspersed`, between and behind the other words; `--` ends them. A flag that is present or not takes a
 * value by `=` only. @throws FlagFault in docker's words
 */
export function parsePosixFlags(
  flags: Flags,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  interspersed: boolean,
): Parsed<Flags> {
  const reading = new Reading(flags, argv, interspersed);
  reading.run();
  return {
    values: withDefaults(flags, reading.values, env),
    given: reading.given,
    rest: reading.rest,
    help: reading.help,
  };
}

class Reading {
  readonly values: Record<string, unknown> = {};
  readonly given = new Set<string>();
  readonly rest: string[] = [];
  help = false;
  readonly #flags: Flags;
  readonly #argv: readonly string[];
  readonly #interspersed: boolean;
  readonly #names = new Map<string, string>();
  #at = 0;

  constructor(flags: Flags, argv: readonly string[], interspersed: boolean) {
    this.#flags = flags;
    this.#argv = argv;
    this.#interspersed = interspersed;
    for (const [name, { alias }] of Object.entries(flags))
      for (const spelled of [name, ...alias]) this.#names.set(spelled, name);
  }

  run(): void {
    while (this.#at < this.#argv.length) {
      const word = this.#argv[this.#at++] ?? '';
      if (word === '--') break;
      if (word.startsWith('--')) this.#long(word.slice(2));
      else if (word.startsWith('-') && word !== '-') this.#letters(word.slice(1));
      else {
        this.rest.push(word);
        if (!this.#interspersed) break;
      }
    }
    this.rest.push(...this.#argv.slice(this.#at));
  }

  #long(text: string): void {
    const equals = text.indexOf('=');
    const spelled = equals < 0 ? text : text.slice(0, equals);
    const name = this.#names.get(spelled);
    if (name === undefined || spelled.length === 1) {
      if (spelled !== 'help') throw new FlagFault(`unknown flag: --${spelled}`);
      this.help = true;
      return;
    }
    this.#set(name, `--${spelled}`, equals < 0 ? undefined : text.slice(equals + 1));
  }

  #letters(text: string): void {
    for (let at = 0; at < text.length; at++) {
      const letter = text[at] ?? '';
      const name = this.#names.get(letter);
      if (name === undefined) {
        if (letter !== 'h') throw new FlagFault(`unknown shorthand flag: '${letter}' in -${text}`);
        this.help = true;
        continue;
      }
      const rest = text.slice(at + 1);
      const inline = rest.startsWith('=') ? rest.slice(1) : undefined;
      const takesRest = this.#flags[name]?.kind !== 'flag' && rest !== '';
      this.#set(name, `-${letter}, --${name}`, inline ?? (takesRest ? rest : undefined), `'${letter}' in -${text}`);
      if (inline !== undefined || this.#flags[name]?.kind !== 'flag') return;
    }
  }

  #set(name: string, spelled: string, inline: string | undefined, shown = spelled): void {
    const known = this.#flags[name] as Flag;
    if (known.refused !== undefined) throw new FlagFault(`--${name}: ${known.refused}`);
    const value = inline ?? (known.kind === 'flag' ? 'true' : this.#argv[this.#at++]);
    if (value === undefined) throw new FlagFault(`flag needs an argument: ${shown}`);
    const read = posixValue(known, spelled, value);
    const sofar = (this.values[name] as readonly unknown[] | undefined) ?? [];
    this.values[name] = known.kind === 'list' ? [...sofar, read] : read;
    this.given.add(name);
  }
}

function posixValue(known: Flag, spelled: string, value: string): unknown {
  try {
    return readValue(known, spelled, value);
  } catch (thrown) {
    if (!(thrown instanceof FlagFault)) throw thrown;
    const said = known.kind === 'duration' ? `time: ${thrown.message}` : 'parse error';
    throw new FlagFault(`invalid argument ${JSON.stringify(value)} for "${spelled}" flag: ${said}`, { cause: thrown });
  }
}
