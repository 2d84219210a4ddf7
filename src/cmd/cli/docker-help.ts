import type { Command, Listed, Program } from './command.ts';
import { formatElapsed } from './elapsed.ts';
import type { Flag, Flags } from './flags.ts';

/** How a command is called: `nerdctl run [OPTIONS] IMAGE [COMMAND] [ARG...]`. */
export function dockerUsage({ commands, flags, args }: Command, path: string): string {
  if (commands.length > 0) return `${path} COMMAND`;
  const options = Object.values(flags).some(({ hidden }) => !hidden) ? ' [OPTIONS]' : '';
  return `${path}${options}${args === '' ? '' : ` ${args}`}`;
}

/** The help of one command, in docker's layout. */
export function dockerCommandHelp(command: Command, path: string): string {
  const aliases = [command.name, ...command.aliases].map((name) => `${path.split(' ').slice(0, -1).join(' ')} ${name}`);
  const options = flagRows(command.flags);
  return [
    `\nUsage:  ${dockerUsage(command, path)}`,
    command.description === '' ? command.summary : `${command.summary}\n\n${command.description}`,
    ...(aliases.length > 1 ? [`Aliases:\n  ${aliases.join(', ')}`] : []),
    ...(command.commands.length > 0 ? [`Commands:\n${table(rowsOf(command.commands))}`] : []),
    ...(options.length > 0 ? [`Options:\n${table(options)}`] : []),
    ...(command.commands.length > 0 ? [`Run '${path} COMMAND --help' for more information on a command.`] : []),
  ]
    .join('\n\n')
    .concat('\n');
}

/** The help of a whole program; groups stand before commands. */
export function dockerProgramHelp(program: Program): string {
  const shown = program.commands.filter(({ hidden }) => !hidden);
  const groups = shown.filter(isGroup);
  return [
    `\nUsage:  ${program.name} [OPTIONS] COMMAND`,
    program.description,
    `Management Commands:\n${table(rowsOf(groups))}`,
    `Commands:\n${table(rowsOf(shown.filter((one) => !groups.includes(one))))}`,
    `Global Options:\n${table(flagRows(program.globals))}`,
    `Run '${program.name} COMMAND --help' for more information on a command.`,
  ]
    .join('\n\n')
    .concat('\n');
}

const isGroup = (listed: Listed & { readonly isGroup?: boolean; readonly commands?: readonly Command[] }): boolean =>
  listed.isGroup ?? (listed.commands?.length ?? 0) > 0;

const rowsOf = (commands: readonly Listed[]): (readonly [string, string])[] =>
  commands
    .filter(({ hidden }) => !hidden)
    .map(({ name, summary }): [string, string] => [name, summary])
    .sort(([a], [b]) => (a < b ? -1 : 1));

function flagRows(flags: Flags): (readonly [string, string])[] {
  return Object.entries(flags)
    .filter(([, { hidden }]) => !hidden)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, known]) => [spelling(name, known), `${known.help}${defaultOf(known)}`]);
}

const kinds = { flag: '', text: ' string', list: ' list', number: ' int', float: ' decimal', duration: ' duration' };

function spelling(name: string, known: Flag): string {
  const letter = known.alias.find((alias) => alias.length === 1);
  const long = known.alias.filter((alias) => alias.length > 1).map((alias) => `, --${alias}`);
  const value = known.value === 'value' ? kinds[known.kind] : ` ${known.value}`;
  return `${letter === undefined ? '    ' : `-${letter}, `}--${name}${long.join('')}${value}`;
}

function defaultOf(known: Flag): string {
  if (known.shown !== undefined) return ` (default ${known.shown})`;
  if (known.kind === 'text' && known.default !== '') return ` (default ${JSON.stringify(known.default)})`;
  if ((known.kind === 'number' || known.kind === 'float') && known.default !== 0) return ` (default ${known.default})`;
  if (known.kind === 'duration' && known.default !== 0) return ` (default ${formatElapsed(Number(known.default))})`;
  return '';
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`.trimEnd()).join('\n');
}
