import { anyArity, type Command, loaded, type Program } from './command.ts';
import { nameMark, shells } from './completion.ts';
import { type Dialect, goDialect } from './dialect.ts';
import { FlagFault, type Flags, type Values } from './flags.ts';

/** What is asked for on the line that is being typed. */
export interface NamesRequest {
  readonly kind: string;
  /** All flags that stand before the innermost command on that line, its groups' included. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

/** What a shell's completion waits at most, and how many names help anybody. */
const patienceMs = 1000;
const maxNames = 1000;
/** What goes onto a command line as it is. Names come from others: one must not become a command. */
const harmless = /^[\w./:@+=,%-]+$/;

/**
 * `__names KIND WORD...`: the names of a kind, for completions; the words are those that were typed before. Says nothing when it fails or takes
 * longer than a second: whoever types must not be held up.
 */
export const namesCommand = (
  program: () => Program,
  list: (request: NamesRequest) => Promise<readonly string[]>,
): Command => ({
  name: '__names',
  aliases: [],
  summary: 'print names for completions',
  args: 'KIND [WORD...]',
  description: '',
  flags: {},
  completes: [],
  hidden: true,
  arity: anyArity,
  interspersed: false,
  commands: [],
  run: async ({ io, args: [kind = '', ...words] }) => {
    const late = Promise.withResolvers<readonly string[]>();
    const timer = setTimeout(() => late.resolve([]), patienceMs);
    const signal = AbortSignal.any([io.signal, AbortSignal.timeout(patienceMs)]);
    const asked = async () =>
      kind === 'shells' ? shells : list({ kind, flags: await flagsOn(program(), words, io.env), signal });
    try {
      const names = await Promise.race([asked().catch(() => []), late.promise]);
      const fit = names.filter((name) => harmless.test(name)).slice(0, maxNames);
      await io.stdout.write(fit.map((name) => `${nameMark}${name}\n`).join(''));
    } finally {
      clearTimeout(timer);
    }
    return 0;
  },
});

/** The last word may be a flag whose value is being typed. */
function parseTyped(
  { parse }: Dialect,
  flags: Flags,
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
) {
  for (const some of [words, words.slice(0, -1)]) {
    try {
      return parse(flags, some, env, false);
    } catch (thrown) {
      if (!(thrown instanceof FlagFault)) throw thrown;
    }
  }
  return undefined;
}

/** The flags before the command that is being typed; what makes no sense ends the reading. */
async function flagsOn(
  program: Program,
  typed: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Readonly<Record<string, unknown>>> {
  let flags: Flags = program.globals;
  let commands = program.commands;
  let words = typed;
  let values: Values<Flags> = {};
  for (;;) {
    const parsed = parseTyped(program.dialect ?? goDialect, flags, words, env);
    if (parsed === undefined) return values;
    values = { ...values, ...parsed.values };
    const [word, ...rest] = parsed.rest;
    const next = commands.find(({ name, aliases }) => name === word || (word !== undefined && aliases.includes(word)));
    if (next === undefined) return values;
    ({ flags, commands } = await loaded(next));
    words = rest;
  }
}
