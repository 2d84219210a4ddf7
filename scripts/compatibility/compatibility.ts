import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Command, WholeProgram } from '#cmd/cli/command';
import type { Flag } from '#cmd/cli/flags';
import { knownFlags } from './known-flags.ts';

export interface Row {
  readonly command: string;
  /** Empty for the command itself. */
  readonly flag: string;
  /** Who has it: docker, nerdctl, or neither, which is ours alone. */
  readonly of: readonly string[];
  readonly status: 'works' | 'refused' | 'not yet' | 'not shown';
  /** The test that shows it, or why it is refused. */
  readonly note: string;
}

/** Flag by flag, what becomes of docker's and nerdctl's command lines here. `marks`: see `readMarks`. */
export function compatibility(program: WholeProgram, marks: ReadonlyMap<string, string>): readonly Row[] {
  const commands = commandsOf(program.commands, []);
  const names = [...new Set([...Object.keys(knownFlags), ...commands.keys()])].filter(
    (name) => !aliasOf(name, commands),
  );
  return names.sort().flatMap((name) => rowsOf(name, commands.get(name), marks));
}

/** `run` and `container run` are one: the shorter has the rows. */
function aliasOf(name: string, commands: ReadonlyMap<string, Command>): boolean {
  const [group, inner = ''] = name.split(' ');
  if (name in knownFlags || !['container', 'image', 'system'].includes(group ?? '')) return false;
  const usual: Readonly<Record<string, string>> = { 'container ls': 'ps', 'image ls': 'images', 'image rm': 'rmi' };
  return commands.has(usual[name] ?? inner);
}

function rowsOf(command: string, defined: Command | undefined, marks: ReadonlyMap<string, string>): readonly Row[] {
  const { docker, nerdctl } = knownFlags[command] ?? {};
  const of = (has: (flags: string) => boolean) => [
    ...(docker !== undefined && has(docker) ? ['docker'] : []),
    ...(nerdctl !== undefined && has(nerdctl) ? ['nerdctl'] : []),
  ];
  const flags = new Set([...words(docker), ...words(nerdctl), ...Object.keys(defined?.flags ?? {})]);
  const row = (flag: string): Row => {
    const primary = flag === '' ? '' : longName(defined, flag);
    const found = primary === '' || defined?.refused !== undefined ? defined : defined?.flags[primary ?? ''];
    return {
      command,
      flag,
      of: of((all) => flag === '' || words(all).includes(flag)),
      ...verdict(found, marks.get(primary === '' ? command : `${command} --${primary}`)),
    };
  };
  return [row(''), ...[...flags].sort().map(row)];
}

/** Every command has `--help`, which no table has to say. */
const words = (flags: string | undefined): readonly string[] =>
  (flags ?? '').split(' ').filter((word) => word !== '' && word !== 'help');

function verdict(found: Command | Flag | undefined, mark: string | undefined): Pick<Row, 'status' | 'note'> {
  if (found === undefined) return { status: 'not yet', note: '' };
  if ('refused' in found && found.refused !== undefined) return { status: 'refused', note: found.refused };
  return mark === undefined ? { status: 'not shown', note: '' } : { status: 'works', note: mark };
}

/** Every command by its path, hidden ones left out. */
export function commandsOf(commands: readonly Command[], path: readonly string[]): ReadonlyMap<string, Command> {
  const found = new Map<string, Command>();
  for (const command of commands.filter(({ hidden }) => !hidden)) {
    const own = [...path, command.name];
    if (command.commands.length === 0) found.set(own.join(' '), command);
    for (const [name, inner] of commandsOf(command.commands, own)) found.set(name, inner);
  }
  return found;
}

/**
 * Which test shows what: the lines `// shows: run --memory, ps` of all tests below `folders`, as `run --memory` → the test's file.
 * @throws Error for a mark of what the program does not have
 */
export function readMarks(top: string, folders: readonly string[], program: WholeProgram): ReadonlyMap<string, string> {
  const commands = commandsOf(program.commands, []);
  const marks = new Map<string, string>();
  for (const file of folders.flatMap((folder) => testsBelow(join(top, folder)))) {
    for (const [, listed = ''] of readFileSync(file, 'utf8').matchAll(/^\s*\/\/ shows: (.*)$/gm))
      for (const mark of listed.split(',').map((one) => one.trim())) {
        const [command = '', flag] = mark.split(/ (?=-)/);
        const known = commands.get(command);
        const long = flag === undefined ? '' : longName(known, flag);
        if (known === undefined || long === undefined)
          throw new Error(`${relative(top, file)}: shows ${mark}, which there is not`);
        const key = long === '' ? command : `${command} --${long}`;
        if (!marks.has(key)) marks.set(key, relative(top, file));
        if (!marks.has(command)) marks.set(command, relative(top, file));
      }
  }
  return marks;
}

/** The long name of a flag as a mark has it; undefined for one that there is not. */
function longName(command: Command | undefined, spelled: string): string | undefined {
  const name = spelled.replace(/^--?/, '');
  const found = Object.entries(command?.flags ?? {}).find(([long, { alias }]) => long === name || alias.includes(name));
  return found?.[0];
}

const testsBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(folder, name));

/** The page: a count, then a table a command. */
export function compatibilityPage(rows: readonly Row[]): string {
  const count = (status: Row['status']) => rows.filter((row) => row.status === status).length;
  const shown = [...new Set(rows.map(({ command }) => command))].map((command) => {
    const own = rows.filter((row) => row.command === command);
    return `## ${command}\n\n| flag | of | here | |\n|---|---|---|---|\n${own.map(line).join('\n')}\n`;
  });
  return `# Compatibility

Generated from nerdctl's command definitions, the lists of flags that docker 28 and containerd's nerdctl 2.3 have, and the tests that say what they show.
Flags that only Windows has, and docker's commands for swarms, contexts and plugins, are left out.

\`works\` has the test that shows it; \`refused\` the answer that whoever gives the flag gets; \`not yet\` is answered as an unknown command or flag is.
\`not shown\` is there and has its effect, and no test says so yet. No flag is taken and ignored.

${count('works')} work, ${count('refused')} are refused, ${count('not yet')} are not there yet, ${count('not shown')} are not shown.

${shown.join('\n')}`;
}

const line = ({ flag, of, status, note }: Row): string =>
  `| ${flag === '' ? '(the command)' : `\`--${flag}\``} | ${of.join(', ') || 'Berth'} | ${status} | ${status === 'works' ? `\`${note}\`` : note} |`;
