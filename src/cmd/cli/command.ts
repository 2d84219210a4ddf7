import type { Dialect } from './dialect.ts';
import type { Flags, Values } from './flags.ts';
import type { Io } from './io.ts';

/** What a command's function gets: its own flags, the program's flags, and the words that follow. */
export interface Invocation<F extends Flags, G extends Flags> {
  readonly io: Io;
  readonly args: readonly string[];
  readonly flags: Values<F>;
  /** Which flags the user gave himself: a default and the same value given differ at times. */
  readonly given: ReadonlySet<keyof F & string>;
  readonly globals: Values<G>;
  /** Which of the program's flags the user gave, or their variables in the environment. */
  readonly givenGlobals: ReadonlySet<keyof G & string>;
}

/** A command as data. `run` returns the exit code (nothing is 0) or throws: `Exit`, or anything else, which prints one line and is 1. */
export interface CommandSpec<F extends Flags, G extends Flags> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** The words after the flags, as the help shows them. */
  readonly args?: string;
  readonly description?: string;
  readonly flags: F;
  /** What the arguments are names of, in order, with `...` behind the last for all that follow: `['images', 'files...']`. For completions. */
  readonly completes?: readonly string[];
  readonly hidden?: boolean;
  /** The fewest and the most words that it takes; checked where the program's dialect does so. */
  readonly arity?: Arity;
  /** False: flags end with the first word that is none, as everything behind it is another program's. Of interest to dialects that mix them. */
  readonly interspersed?: boolean;
  run(invocation: Invocation<F, G>): Promise<number | undefined>;
}

export type Arity = readonly [fewest: number, most: number];
export const anyArity: Arity = [0, Number.POSITIVE_INFINITY];

/** What a list of commands shows of each. */
export interface Listed {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly hidden: boolean;
}

/** A command whose flag types were checked and then forgotten, so that a tree of them has one type. */
export interface Command extends Listed {
  readonly args: string;
  readonly description: string;
  readonly flags: Flags;
  readonly completes: readonly string[];
  readonly arity: Arity;
  readonly interspersed: boolean;
  readonly commands: readonly Command[];
  readonly run: ((invocation: Invocation<Flags, Flags>) => Promise<number | undefined>) | undefined;
  /** Why it is known and does nothing but say so: for the table of compatibility. */
  readonly refused?: string;
}

/** A command whose code is imported when it is wanted, and not for the sake of the others. */
export interface LazyCommand extends Listed {
  /** It only holds others. */
  readonly isGroup: boolean;
  load(): Promise<Command>;
}

/** A program: its own flags come before the first command. */
export interface Program {
  readonly name: string;
  readonly banner: string;
  readonly version: string;
  readonly description: string;
  readonly globals: Flags;
  readonly commands: readonly (Command | LazyCommand)[];
  /** Go's, unless it says another. */
  readonly dialect?: Dialect;
  /** What to do without a command; the help when absent. */
  readonly run?: (invocation: Invocation<Flags, Flags>) => Promise<number | undefined>;
}

/** A program with all its commands imported, as what describes it needs it. */
export interface WholeProgram extends Program {
  readonly commands: readonly Command[];
}

/** Binds `defineCommand` to a program's flags: `const command = commandsFor<typeof globals>()`. */
export function commandsFor<G extends Flags>(): <F extends Flags>(spec: CommandSpec<F, G>) => Command {
  return (spec) => ({
    name: spec.name,
    aliases: spec.aliases ?? [],
    summary: spec.summary,
    args: spec.args ?? '[arguments...]',
    description: spec.description ?? '',
    flags: spec.flags,
    completes: spec.completes ?? [],
    hidden: spec.hidden ?? false,
    arity: spec.arity ?? anyArity,
    interspersed: spec.interspersed ?? true,
    commands: [],
    // The flags were parsed by the very table that gives them their types.
    run: (invocation) => spec.run(invocation as unknown as Parameters<typeof spec.run>[0]),
  });
}

/** A command that only holds others. Its flags stand before the inner command's name and reach it among the globals. */
export function group(
  name: string,
  summary: string,
  commands: readonly Command[],
  options: { readonly aliases?: readonly string[]; readonly flags?: Flags } = {},
): Command {
  return {
    name,
    aliases: options.aliases ?? [],
    summary,
    args: '[arguments...]',
    description: '',
    flags: options.flags ?? {},
    completes: [],
    hidden: false,
    arity: anyArity,
    interspersed: false,
    commands,
    run: undefined,
  };
}

/** A command whose module is imported when it is wanted; the module makes it of the name and the summary. */
export const lazyCommand = (
  name: string,
  summary: string,
  load: () => Promise<{ readonly default: (name: string, summary: string) => Command }>,
  { aliases = [] }: { readonly aliases?: readonly string[] } = {},
): LazyCommand => ({
  name,
  aliases,
  summary,
  hidden: false,
  isGroup: false,
  load: async () => ({ ...(await load()).default(name, summary), aliases }),
});

/** A group whose module is imported when it is wanted; the module is its commands, and its flags where it has some. */
export const lazyGroup = (
  name: string,
  summary: string,
  load: () => Promise<{ readonly default: readonly Command[]; readonly flags?: Flags }>,
  { aliases = [] }: { readonly aliases?: readonly string[] } = {},
): LazyCommand => ({
  name,
  aliases,
  summary,
  hidden: false,
  isGroup: true,
  load: async () => {
    const { default: commands, flags = {} } = await load();
    return group(name, summary, commands, { aliases, flags });
  },
});

/** The command itself. */
export const loaded = async (command: Command | LazyCommand): Promise<Command> =>
  'load' in command ? command.load() : command;

/** The program with everything imported. */
export const wholeProgram = async (program: Program): Promise<WholeProgram> => ({
  ...program,
  commands: await Promise.all(program.commands.map(loaded)),
});
