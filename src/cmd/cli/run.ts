import { messageOf } from '#base/errors';
import { type Command, type Invocation, type LazyCommand, type Listed, loaded, type Program } from './command.ts';
import { FlagFault, type Flags, type Parsed, parseFlags } from './flags.ts';
import { commandHelp, programHelp } from './help.ts';
import { Exit, type Io } from './io.ts';
import { suggest } from './suggest.ts';

/** Runs a program on `io.argv` (without its own name) and returns the exit code. Prints errors itself and throws nothing. */
export async function runProgram(program: Program, io: Io): Promise<number> {
  try {
    return await dispatch(program, io);
  } catch (thrown) {
    // Whoever read the output has seen enough: as if SIGPIPE had ended the program, in silence.
    if (isBrokenPipe(thrown)) return brokenPipe;
    if (thrown instanceof Exit) {
      if (thrown.message !== '') await io.stderr.write(`${thrown.message}\n`);
      return thrown.code;
    }
    await io.stderr.write(`${program.name}: ${messageOf(thrown)}\n`);
    return 1;
  }
}

/** What a shell reports of a program that SIGPIPE ended. */
const brokenPipe = 141;

const isBrokenPipe = (thrown: unknown): boolean =>
  thrown instanceof Error && ((thrown as NodeJS.ErrnoException).code === 'EPIPE' || isBrokenPipe(thrown.cause));

async function dispatch(program: Program, io: Io): Promise<number> {
  const globals = await parsed(program.globals, io.argv, io, () => programHelp(program));
  const [word, ...rest] = globals.rest;
  if (['-v', '--version', '-version'].includes(io.argv[0] ?? '') && !('v' in program.globals))
    return printVersion(program, io);
  if (globals.help || (word === undefined && program.run === undefined)) return print(io, programHelp(program));
  if (word === undefined) return (await program.run?.(invocation(io, globals, globals, []))) ?? 0;
  if (word === 'help' || word === 'h') return helpFor(program, rest, io);
  const command = await find(program.commands, word);
  if (command === undefined) throw unknownCommand(program.name, program.commands, word);
  return descend(program, command, `${program.name} ${command.name}`, rest, globals, io);
}

async function descend(
  program: Program,
  command: Command,
  path: string,
  argv: readonly string[],
  globals: Parsed<Flags>,
  io: Io,
): Promise<number> {
  if (command.run === undefined) return descendGroup(program, command, path, argv, globals, io);
  const own = await parsed(command.flags, argv, io, () => commandHelp(command, path));
  if (own.help) return print(io, commandHelp(command, path));
  return (await command.run(invocation(io, own, globals, own.rest))) ?? 0;
}

async function descendGroup(
  program: Program,
  command: Command,
  path: string,
  argv: readonly string[],
  globals: Parsed<Flags>,
  io: Io,
): Promise<number> {
  const own = await parsed(command.flags, argv, io, () => commandHelp(command, path));
  const [word, ...rest] = own.rest;
  if (own.help || word === undefined || word === 'help' || word === 'h') {
    const topic = rest[0] === undefined ? undefined : await find(command.commands, rest[0]);
    return print(io, topic === undefined ? commandHelp(command, path) : commandHelp(topic, `${path} ${topic.name}`));
  }
  const inner = await find(command.commands, word);
  if (inner === undefined) throw unknownCommand(path, command.commands, word);
  const merged = { ...globals, values: { ...globals.values, ...own.values } };
  return descend(program, inner, `${path} ${inner.name}`, rest, merged, io);
}

async function parsed(flags: Flags, argv: readonly string[], io: Io, help: () => string): Promise<Parsed<Flags>> {
  try {
    // `-v` alone is the program's version, unless a flag has taken the letter.
    const words = ['-v', '--version', '-version'].includes(argv[0] ?? '') && !taken(flags, 'v') ? [] : argv;
    return parseFlags(flags, words, io.env);
  } catch (thrown) {
    if (!(thrown instanceof FlagFault)) throw thrown;
    await io.stdout.write(`Incorrect Usage: ${thrown.message}\n\n${help()}`);
    throw thrown;
  }
}

const taken = (flags: Flags, letter: string): boolean =>
  Object.values(flags).some((known) => known.alias.includes(letter)) || letter in flags;

function invocation(
  io: Io,
  own: Parsed<Flags>,
  globals: Parsed<Flags>,
  args: readonly string[],
): Invocation<Flags, Flags> {
  return { io, args, flags: own.values, given: own.given, globals: globals.values };
}

async function helpFor(program: Program, topics: readonly string[], io: Io): Promise<number> {
  let commands = program.commands;
  let path = program.name;
  let found: Command | undefined;
  for (const topic of topics) {
    found = await find(commands, topic);
    if (found === undefined) throw unknownCommand(path, commands, topic);
    path += ` ${found.name}`;
    commands = found.commands;
  }
  return print(io, found === undefined ? programHelp(program) : commandHelp(found, path));
}

function unknownCommand(path: string, commands: readonly Listed[], word: string): Exit {
  const meant = suggest(
    word,
    commands.flatMap((command) => (command.hidden ? [] : [command.name, ...command.aliases])),
  );
  const hint = meant === undefined ? `; try '${path} --help'` : `; did you mean '${path} ${meant}'?`;
  return new Exit(3, `No help topic for '${word}'${hint}`);
}

async function find(commands: readonly (Command | LazyCommand)[], word: string): Promise<Command | undefined> {
  const found = commands.find(({ name, aliases }) => name === word || aliases.includes(word));
  return found === undefined ? undefined : loaded(found);
}

async function print(io: Io, text: string): Promise<number> {
  await io.stdout.write(text);
  return 0;
}

const printVersion = (program: Program, io: Io): Promise<number> => print(io, `${program.name} ${program.version}\n`);
