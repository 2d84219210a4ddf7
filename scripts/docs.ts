/** `npm run docs`: writes docs/reference from the code; with `--check` only says whether the pages say what the code says. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ErrorClass, phrases } from '#base/errors';
import { failpoints } from '#base/failpoints';
import { type Command, type Program, type WholeProgram, wholeProgram } from '#cmd/cli/command';
import { flagRows, usageOf } from '#cmd/cli/help';
import { containerd } from '#cmd/containerd/program';
import { ctdDecoder } from '#cmd/ctd-decoder/program';
import { ctr } from '#cmd/ctr/program';
import { nerdctl } from '#cmd/nerdctl/program';
import { findingKinds } from '#core/check/findings';
import { type AnyPlugin, pluginName } from '#core/plugin/plugin';
import type { AnyNeed } from '#core/plugin/slot';
import { builtins } from '#daemon/builtins';
import { defaultConfig } from '#daemon/config/load';
import { formatConfigReference } from '#daemon/config/print';
import { grpcCodeOf } from '#lib/grpc-status';
import { compatibility, compatibilityPage, readMarks } from './compatibility/compatibility.ts';

/** The protocol's own names of its statuses. */
const grpcNames = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];
const folder = join(import.meta.dirname, '../docs/reference');
const pages: Readonly<Record<string, string>> = {
  'config.md': formatConfigReference(defaultConfig(builtins)),
  'errors.md': errorsPage(),
  'commands.md': commandsPage(await Promise.all([ctr, nerdctl, containerd(''), ctdDecoder].map(wholeProgram))),
  'plugins.md': pluginsPage(builtins),
  'check.md': checkPage(),
  'failpoints.md': failpointsPage(),
  'compatibility.md': await compatibilityOf(nerdctl),
};

const stale = Object.keys(pages).filter((name) => {
  const path = join(folder, name);
  return !existsSync(path) || readFileSync(path, 'utf8') !== pages[name];
});
if (process.argv.includes('--check')) {
  for (const name of stale)
    console.error(`docs/reference/${name}: differs from what the code says; run \`npm run docs\``);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  mkdirSync(folder, { recursive: true });
  for (const name of stale) writeFileSync(join(folder, name), pages[name] ?? '');
  console.log(`docs/reference: ${Object.keys(pages).length} pages, ${stale.length} changed`);
}

async function compatibilityOf(program: Program): Promise<string> {
  const whole = await wholeProgram(program);
  return compatibilityPage(compatibility(whole, readMarks(join(import.meta.dirname, '..'), ['src', 'test'], whole)));
}

function errorsPage(): string {
  const rows = (Object.keys(phrases) as ErrorClass[]).map((cls) => [code(cls), phrases[cls], grpcName(cls)]);
  return page(
    'Errors',
    `Generated from \`src/base/errors.ts\` and \`src/lib/grpc-status.ts\`.

Every error that leaves the daemon has one of these classes. A class tells the caller what to do next; what went wrong is in the text.
The message ends with a colon and the class's words, by which clients tell apart the classes that share a status.`,
    rowsOf(['class', 'its message ends with', 'gRPC and ttrpc status'], rows),
  );
}

function grpcName(cls: ErrorClass): string {
  const number = grpcCodeOf(cls);
  return `${number} ${grpcNames[number] ?? ''}`;
}

function commandsPage(programs: readonly WholeProgram[]): string {
  const sections = programs.flatMap((program) => [
    `## ${program.name}\n\n${program.description.replace(/\s*\n\s*/g, ' ')}`,
    flagTable(program),
    ...program.commands.flatMap((command) => commandSections(command, `${program.name} ${command.name}`)),
  ]);
  const intro = 'Generated from the definitions that parse the command line and print its help.';
  return page('Commands', intro, sections.filter((part) => part !== '').join('\n\n'));
}

function commandSections(command: Command, path: string): readonly string[] {
  if (command.hidden) return [];
  const aliases = command.aliases.length === 0 ? '' : ` Also: ${command.aliases.map(code).join(', ')}.`;
  const usage = command.commands.length > 0 ? '' : `\`\`\`\n${usageOf(command, path)}\n\`\`\``;
  return [
    `### ${path}\n\n${sentence(command.summary)}${aliases}`,
    ...(command.description === '' ? [] : [command.description.replace(/\s*\n\s*/g, ' ')]),
    usage,
    flagTable({ globals: command.flags }),
    ...command.commands.flatMap((inner) => commandSections(inner, `${path} ${inner.name}`)),
  ];
}

function flagTable({ globals }: Pick<Program, 'globals'>): string {
  const rows = flagRows(globals).map(([spelled, help]) => [code(spelled), help]);
  return rows.length === 0 ? '' : rowsOf(['flag', 'what it does'], rows).trimEnd();
}

function pluginsPage(plugins: readonly AnyPlugin[]): string {
  const slots = Map.groupBy(plugins, ({ uri }) => uri);
  const rows = [...slots].map(([uri, filled]) => [
    code(uri),
    filled.map(({ id }) => id).join(', '),
    askers(uri, plugins),
  ]);
  const each = plugins.map((plugin) => [
    code(pluginName(plugin)),
    Object.values(plugin.needs).map(needText).join('; '),
    Object.keys(plugin.config.fields).length > 0 ? 'yes' : '',
  ]);
  return page(
    'Plugins',
    `Generated from \`src/daemon/builtins.ts\`. A slot's URI is what containerd calls a plugin's type; with the id behind it, it is the
plugin's key in \`config.toml\`, its directory below root and state, and its name in \`disabled_plugins\`. What runs on a machine, and why something does not, is told
by \`ctr plugins ls -d\`.`,
    `## Slots\n\n${rowsOf(['slot', 'filled by', 'asked for by'], rows)}\n## Plugins\n\n${rowsOf(['plugin', 'needs', 'configurable'], each)}`,
  );
}

function checkPage(): string {
  const rows = Object.entries(findingKinds).map(([kind, [severity, meaning]]) => [code(kind), severity, meaning]);
  return page(
    'What `containerd check` finds',
    `Generated from \`src/core/check/findings.ts\`. How to use it: [what is kept, and whether it is whole](../guides/what-is-kept.md).

*damage*: something that was acknowledged is not there or not as it was. *leftover*: a crash or a kill left it; the daemon clears it away when it starts or
collects. *note*: allowed, and perhaps not meant. Only damage makes the exit code other than 0.`,
    rowsOf(['finding', 'how bad', 'what it means'], rows),
  );
}

function failpointsPage(): string {
  const rows = Object.entries(failpoints).map(([name, what]) => [code(name), what]);
  return page(
    'Failpoints',
    `Generated from \`src/base/failpoints.ts\`: the places between two durable steps at which a daemon can be ended or stopped, to see what comes of it. For tests;
without the variable they do nothing.

\`BERTH_FAILPOINTS='NAME=ACTION[:TIME];…' containerd …\`, with the actions \`kill\` (SIGKILL to itself), \`error\` (the step fails), \`delay(MS)\` and \`pause\` (SIGSTOP to itself, until
SIGCONT). With a TIME it acts only when the place is reached for the TIME-th time. The daemon warns of each that is armed, and does not start with one that it does not know.
\`npm run test:failpoints\` kills a daemon at each of them, makes it fail at each of them, and checks its store; one that is never reached fails the run.`,
    rowsOf(['failpoint', 'what is done there, and what is not'], rows),
  );
}

function askers(uri: string, plugins: readonly AnyPlugin[]): string {
  const asking = plugins.filter(({ needs }) => Object.values(needs).some((need) => need.uri === uri));
  return asking.length > 8 ? `${asking.length} plugins` : asking.map(({ id }) => id).join(', ');
}

function needText({ mode, uri, id }: AnyNeed): string {
  return `${mode} ${code(id === undefined ? uri : `${uri}.${id}`)}`;
}

function page(title: string, intro: string, body: string): string {
  return `# ${title}\n\n${intro}\n\n${body.trimEnd()}\n`;
}

function rowsOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line), ''].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
