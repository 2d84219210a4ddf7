import { messageOf } from '#base/errors';
import { type Command, type Invocation, type LazyCommand, loaded, type Program } from './command.ts';
import { goDialect } from './dialect.ts';
import { FlagFault, type Flags, type Parsed } from './flags.ts';
import { Exit, type Io } from './io.ts';

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

const dialectOf = ({ dialect }: Program) => dialect ?? goDialect;

async function dispatch(program: Program, io: Io): Promise<number> {
  const { programHelp, unknownCommand } = dialectOf(program);
  const start: Place = { program, io, path: program.name, help: () => programHelp(program) };
  const read = await parsed(start, program.globals, io.argv, false);
  const globals = { ...read, given: new Set([...read.given, ...inEnvironment(program.globals, io)]) };
  const [word, ...rest] = globals.rest;
  if (['-v', '--version', '-version'].includes(io.argv[0] ?? '') && !('v' in program.globals))
    return printVersion(program, io);
  if (globals.values.version === true) return printVersion(program, io);
  if (globals.help || (word === undefined && program.run === undefined)) return print(io, programHelp(program));
  if (word === undefined) return (await program.run?.(invocation(io, globals, globals, []))) ?? 0;
  if (word === 'help' || word === 'h') return helpFor(program, rest, io);
  const command = await find(program.commands, word);
  if (command === undefined) throw unknownCommand(program.name, program.commands, word);
  return descend({ ...start, path: `${program.name} ${command.name}` }, command, rest, globals);
}

const inEnvironment = (flags: Flags, { env }: Io): readonly string[] =>
  Object.entries(flags).flatMap(([name, known]) =>
    known.env !== undefined && (env[known.env] ?? '') !== '' ? [name] : [],
  );

/** Where in the tree of commands the words are being read. */
interface Place {
  readonly program: Program;
  readonly io: Io;
  /** How the command was called. */
  readonly path: string;
  readonly help: () => string;
}

async function descend(
  from: Place,
  command: Command,
  argv: readonly string[],
  inherited: Parsed<Flags>,
): Promise<number> {
  const { program, io, path } = from;
  const dialect = dialectOf(program);
  const place = { ...from, help: () => dialect.commandHelp(command, path) };
  if (command.run === undefined) return descendGroup(place, command, argv, inherited);
  const both = await parsed(place, { ...longOnly(program), ...command.flags }, argv, command.interspersed);
  if (both.help) return print(io, place.help());
  const fault = dialect.arityFault(command, path, both.rest);
  if (fault !== undefined) throw fault;
  const globals = withGiven(inherited, both, command);
  return (await command.run(invocation(io, both, globals, both.rest))) ?? 0;
}

/** The program's flags as they may stand behind a command's name; its version is asked for before one. */
function longOnly(program: Program): Flags {
  if (!dialectOf(program).persistentGlobals) return {};
  return Object.fromEntries(
    Object.entries(program.globals)
      .filter(([name]) => name !== 'version')
      .map(([name, known]) => [name, { ...known, alias: known.alias.filter((spelled) => spelled.length > 1) }]),
  );
}

/** The program's flags, with those that were given behind the command's name. */
function withGiven(globals: Parsed<Flags>, both: Parsed<Flags>, { flags }: Command): Parsed<Flags> {
  const later = [...both.given].filter((name) => !(name in flags));
  if (later.length === 0) return globals;
  const values = Object.fromEntries(later.map((name) => [name, both.values[name]]));
  return { ...globals, values: { ...globals.values, ...values }, given: new Set([...globals.given, ...later]) };
}

async function descendGroup(
  place: Place,
  command: Command,
  argv: readonly string[],
  globals: Parsed<Flags>,
): Promise<number> {
  const { program, io, path } = place;
  const { commandHelp, unknownCommand } = dialectOf(program);
  const own = await parsed(place, command.flags, argv, false);
  const [word, ...rest] = own.rest;
  if (own.help || word === undefined || word === 'help' || word === 'h') {
    const topic = rest[0] === undefined ? undefined : await find(command.commands, rest[0]);
    return print(io, topic === undefined ? commandHelp(command, path) : commandHelp(topic, `${path} ${topic.name}`));
  }
  const inner = await find(command.commands, word);
  if (inner === undefined) throw unknownCommand(path, command.commands, word);
  const merged = { ...globals, values: { ...globals.values, ...own.values } };
  return descend({ ...place, path: `${path} ${inner.name}` }, inner, rest, merged);
}

async function parsed(
  { program, io, path, help }: Place,
  flags: Flags,
  argv: readonly string[],
  interspersed: boolean,
): Promise<Parsed<Flags>> {
  const { parse, flagFault } = dialectOf(program);
  try {
    // `-v` alone is the program's version, unless a flag has taken the letter.
    const asksVersion = argv === io.argv && ['-v', '--version', '-version'].includes(argv[0] ?? '');
    const words = asksVersion && !taken(flags, 'v') ? [] : argv;
    return parse(flags, words, io.env, interspersed);
  } catch (thrown) {
    if (!(thrown instanceof FlagFault)) throw thrown;
    throw await flagFault(thrown, path, help, io);
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
  return { io, args, flags: own.values, given: own.given, globals: globals.values, givenGlobals: globals.given };
}

async function helpFor(program: Program, topics: readonly string[], io: Io): Promise<number> {
  const { programHelp, commandHelp, unknownCommand } = dialectOf(program);
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

async function find(commands: readonly (Command | LazyCommand)[], word: string): Promise<Command | undefined> {
  const found = commands.find(({ name, aliases }) => name === word || aliases.includes(word));
  return found === undefined ? undefined : loaded(found);
}

async function print(io: Io, text: string): Promise<number> {
  await io.stdout.write(text);
  return 0;
}

const printVersion = (program: Program, io: Io): Promise<number> => print(io, `${program.name} ${program.version}\n`);
