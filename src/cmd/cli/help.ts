import type { Command, Listed, Program } from './command.ts';
import { formatElapsed } from './elapsed.ts';
import type { Flag, Flags } from './flags.ts';

const helpFlag = ['--help, -h', 'show help'] as const;

/** The help of a whole program. */
export function programHelp(program: Program): string {
  const banner = program.banner === '' ? program.name : `${program.name} - \n${program.banner}`;
  return [
    `NAME:\n   ${banner}`,
    `USAGE:\n   ${program.name} [global options] command [command options] [arguments...]`,
    `VERSION:\n   ${program.version}`,
    ...(program.description === '' ? [] : [`DESCRIPTION:\n   ${program.description}`]),
    `COMMANDS:\n${table([...commandRows(program.commands), ['help, h', 'Shows a list of commands or help for one command']])}`,
    `GLOBAL OPTIONS:\n${table([...flagRows(program.globals), helpFlag, ['--version, -v', 'print the version']])}`,
  ]
    .join('\n\n')
    .concat('\n');
}

/** The help of one command; `path` is how it was called: `ctr images pull`. */
export function commandHelp(command: Command, path: string): string {
  const isGroup = command.commands.length > 0;
  return [
    `NAME:\n   ${path} - ${command.summary}`,
    `USAGE:\n   ${usageOf(command, path)}`,
    ...(command.description === '' ? [] : [`DESCRIPTION:\n   ${command.description}`]),
    ...(isGroup ? [`COMMANDS:\n${table(commandRows(command.commands))}`] : []),
    `OPTIONS:\n${table([...flagRows(command.flags), helpFlag])}`,
  ]
    .join('\n\n')
    .concat('\n');
}

/** How one command is called, as its help shows it. */
export function usageOf(command: Command, path: string): string {
  if (command.commands.length > 0) return `${path} command [command options] ${command.args}`;
  return `${path} [command options] ${command.args}`;
}

function commandRows(commands: readonly Listed[]): (readonly [string, string])[] {
  return commands
    .filter((command) => !command.hidden)
    .map((command) => [[command.name, ...command.aliases].join(', '), command.summary]);
}

/** Every flag that is shown: its spellings, and what it does with default and environment variable. */
export function flagRows(flags: Flags): (readonly [string, string])[] {
  return Object.entries(flags)
    .filter(([, known]) => !known.hidden)
    .map(([name, known]) => [
      spelling(name, known),
      `${known.help}${defaultOf(known)}${known.env === undefined ? '' : ` [$${known.env}]`}`,
    ]);
}

function spelling(name: string, known: Flag): string {
  const word = known.kind === 'flag' ? '' : ` ${known.value}`;
  return [name, ...known.alias].map((one) => `${one.length === 1 ? '-' : '--'}${one}${word}`).join(', ');
}

function defaultOf(known: Flag): string {
  if (known.shown !== undefined) return ` (default: ${known.shown})`;
  if (known.kind === 'text' && known.default !== '') return ` (default: ${JSON.stringify(known.default)})`;
  if (known.kind === 'number' || known.kind === 'float') return ` (default: ${String(known.default)})`;
  if (known.kind === 'duration') return ` (default: ${formatElapsed(Number(known.default))})`;
  return '';
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `   ${left.padEnd(width)}  ${right}`.trimEnd()).join('\n');
}
