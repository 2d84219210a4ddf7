import type { Command, LazyCommand, Listed, Program } from './command.ts';
import { type FlagFault, type Flags, type Parsed, parseFlags } from './flags.ts';
import { commandHelp, programHelp } from './help.ts';
import { Exit, type Io } from './io.ts';
import { suggest } from './suggest.ts';

/** How a program's words are read, and what it says of those that it does not understand. */
export interface Dialect {
  /** @throws FlagFault. `interspersed`: flags may stand behind the first word that is none. */
  parse(flags: Flags, argv: readonly string[], env: Io['env'], interspersed: boolean): Parsed<Flags>;
  /** The program's own flags may stand behind a command's name as well, by their long names. */
  readonly persistentGlobals: boolean;
  programHelp(program: Program): string;
  commandHelp(command: Command, path: string): string;
  /** What to print for a flag that cannot be read, and how to end. `help` is that of the command. */
  flagFault(fault: FlagFault, path: string, help: () => string, io: Io): Promise<Exit>;
  /** For a word that names no command of `path`. */
  unknownCommand(path: string, commands: readonly (Command | LazyCommand)[], word: string): Exit;
  /** For too few or too many words; undefined when they are as many as the command wants. */
  arityFault(command: Command, path: string, args: readonly string[]): Exit | undefined;
}

/** Go's `flag` and the help of ctr and containerd. */
export const goDialect: Dialect = {
  parse: (flags, argv, env) => parseFlags(flags, argv, env),
  persistentGlobals: false,
  programHelp,
  commandHelp,
  flagFault: async (fault, _path, help, io) => {
    await io.stdout.write(`Incorrect Usage: ${fault.message}\n\n${help()}`);
    throw fault;
  },
  unknownCommand: (path, commands, word) => {
    const meant = suggest(word, shownNames(commands));
    const hint = meant === undefined ? `; try '${path} --help'` : `; did you mean '${path} ${meant}'?`;
    return new Exit(3, `No help topic for '${word}'${hint}`);
  },
  arityFault: () => undefined,
};

export const shownNames = (commands: readonly Listed[]): readonly string[] =>
  commands.flatMap((command) => (command.hidden ? [] : [command.name, ...command.aliases]));
