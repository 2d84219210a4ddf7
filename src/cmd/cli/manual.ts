import type { Command, WholeProgram } from './command.ts';
import type { Flags } from './flags.ts';
import { flagRows, usageOf } from './help.ts';

export interface ManualOptions {
  /** Stands at the foot of a page: `berth 0.1.0`. */
  readonly source: string;
  /** `2026-11-23`. */
  readonly date: string;
}

/** The manual's pages of section 8 by file name: one for the program, one for each of its commands with what is below that. */
export function manualPages(program: WholeProgram, options: ManualOptions): ReadonlyMap<string, string> {
  const commands = shown(program.commands);
  const pages = [programPage(program, options), ...commands.map((command) => commandPage(program, command, options))];
  return new Map(pages.map(({ name, text }) => [`${name}.8`, text]));
}

interface Page {
  readonly name: string;
  readonly text: string;
}

const shown = (commands: readonly Command[]): readonly Command[] => commands.filter(({ hidden }) => !hidden);

function programPage(program: WholeProgram, options: ManualOptions): Page {
  const { name, description, globals } = program;
  const commands = shown(program.commands);
  const first = description.split(/\.\s/)[0] ?? name;
  const lines = [
    header(name, options),
    section('NAME'),
    ...wrapped(`${plain(name)} \\- ${plain(lowerFirst(first))}`),
    section('SYNOPSIS'),
    `.B ${plain(name)}`,
    '[\\fIglobal options\\fR] \\fIcommand\\fR [\\fIoptions\\fR] [\\fIarguments\\fR...]',
    section('DESCRIPTION'),
    ...paragraphs(description),
    section('COMMANDS'),
    ...commands.flatMap((command) => [
      '.TP',
      `.BR ${plain(`${name}\\-${command.name}`)} (8)`,
      ...filled(`${sentence(command.summary)}${alsoCalled(command)}`),
    ]),
    section('GLOBAL OPTIONS'),
    ...options_(globals),
    ...environment(globals, program.commands),
    section('EXIT STATUS'),
    ...filled(
      program.dialect === undefined
        ? '0 on success; 1 when something failed, with one line on standard error; 3 for a command that does not exist.'
        : "0 on success; 1 when something failed, with one line on standard error; 125 for what cannot be read or run, 126 for a container's program that cannot be executed, 127 for one that is not there.",
    ),
    ...(name === 'containerd' ? [] : [plain('Commands that run a process end with its status.')]),
    section('SEE ALSO'),
    commands.map((command) => `.BR ${plain(`${name}\\-${command.name}`)} (8)`).join(',\n'),
  ];
  return { name, text: `${lines.join('\n')}\n` };
}

function commandPage(program: WholeProgram, command: Command, options: ManualOptions): Page {
  const name = `${program.name}-${command.name}`;
  const path = `${program.name} ${command.name}`;
  const inner = shown(command.commands);
  const lines = [
    header(name, options),
    section('NAME'),
    ...wrapped(`${plain(name)} \\- ${plain(lowerFirst(command.summary))}`),
    section('SYNOPSIS'),
    ...(inner.length === 0
      ? synopsis(command, path)
      : inner.flatMap((one) => innerSynopsis(one, `${path} ${one.name}`)).slice(1)),
    section('DESCRIPTION'),
    ...paragraphs(command.description === '' ? sentence(command.summary) : command.description),
    ...(command.aliases.length === 0 ? [] : ['.PP', plain(`Also called ${command.aliases.join(', ')}.`)]),
    ...(inner.length === 0 ? [] : [section('COMMANDS'), ...inner.flatMap((one) => innerCommand(one, one.name))]),
    section('OPTIONS'),
    ...options_(command.flags),
    ...environment(command.flags, inner),
    section('SEE ALSO'),
    `.BR ${plain(program.name)} (8)`,
  ];
  return { name, text: `${lines.join('\n')}\n` };
}

/** A command below a command's page, with all that is below it. */
function innerCommand(command: Command, path: string): readonly string[] {
  const inner = shown(command.commands);
  const flags = flagRows(command.flags);
  return [
    `.SS "${plain(path)}${command.aliases.length === 0 ? '' : plain(`, ${command.aliases.join(', ')}`)}"`,
    ...paragraphs(command.description === '' ? sentence(command.summary) : command.description),
    ...(flags.length === 0 ? [] : flags.flatMap(option)),
    ...inner.flatMap((one) => innerCommand(one, `${path} ${one.name}`)),
  ];
}

function innerSynopsis(command: Command, path: string): readonly string[] {
  const inner = shown(command.commands);
  if (inner.length > 0) return inner.flatMap((one) => innerSynopsis(one, `${path} ${one.name}`)).slice(1);
  return ['.PP', ...synopsis(command, path)];
}

const synopsis = (command: Command, path: string): readonly string[] => [
  `.B ${plain(path)}`,
  ...wrapped(plain(usageOf(command, path).slice(path.length).trim())).map(guarded),
];

function header(name: string, { source, date }: ManualOptions): string {
  return `.\\" Made of the definitions that parse the command line.\n.TH ${plain(name.toUpperCase())} 8 "${date}" "${source}" "System Administration"`;
}

const section = (title: string): string => `.SH ${title.includes(' ') ? `"${title}"` : title}`;

const options_ = (flags: Flags): readonly string[] =>
  [...flagRows(flags), ['--help, -h', 'show help'] as const].flatMap(option);

function option([spelling, help]: readonly [string, string]): readonly string[] {
  return ['.TP', `.B ${plain(spelling)}`, ...filled(help)];
}

/** The variables that supply flags, each once. */
function environment(flags: Flags, commands: readonly Command[]): readonly string[] {
  const found = new Map<string, string>();
  const visit = (some: Flags, below: readonly Command[]) => {
    for (const [name, { env }] of Object.entries(some)) if (env !== undefined) found.set(env, name);
    for (const command of below) visit(command.flags, command.commands);
  };
  visit(flags, commands);
  if (found.size === 0) return [];
  const rows = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    section('ENVIRONMENT'),
    ...rows.flatMap(([variable, name]) => ['.TP', `.B ${plain(variable)}`, ...filled(`What holds without --${name}.`)]),
  ];
}

/** Text with blank lines between its paragraphs; lines stay lines. */
function paragraphs(text: string): readonly string[] {
  const blocks = text
    .split(/\n\s*\n/)
    .map(filled)
    .filter((block) => block.length > 0);
  return blocks.flatMap((block, at) => [...(at === 0 ? [] : ['.PP']), ...block]);
}

/** One sentence begins a line, and no line is longer than editors show: as roff's tools want their input. */
function filled(text: string): readonly string[] {
  const sentences = text.split('\n').flatMap((line) => line.trim().split(/(?<=[a-z)][.!?:]) +(?=[A-Z])/));
  return sentences.filter((one) => one !== '').flatMap((one) => wrapped(plain(one)).map(guarded));
}

const maxColumns = 78;

function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/ +/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < maxColumns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const alsoCalled = ({ aliases }: Command): string =>
  aliases.length === 0 ? '' : ` Also called ${aliases.join(', ')}.`;

/** What roff gives a meaning, as itself. Already escaped dashes stay. */
const plain = (text: string): string =>
  text
    .replace(/\\(?!-)/g, '\\e')
    .replace(/(?<!\\)-/g, '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll('µ', '\\(mc')
    .replaceAll('…', '...');

/** A line that begins with a dot or a quote would be a request. */
const guarded = (line: string): string => (/^[.']/.test(line) ? `\\&${line}` : line);

const sentence = (text: string): string => {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
};
const lowerFirst = (text: string): string =>
  (/^[A-Z][A-Z]/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1)).replace(/\.$/, '');
