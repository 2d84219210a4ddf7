import type { Command, WholeProgram } from './command.ts';
import type { Flags } from './flags.ts';

/** A command, or the program itself, with what may follow it. */
export interface Place {
  /** `ctr images`. */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly flags: readonly ShownFlag[];
  /** What its arguments are names of, in order; with `...` at its end for all that follow, too. */
  readonly completes: readonly string[];
}

export interface ShownFlag {
  /** With their dashes. */
  readonly spellings: readonly string[];
  readonly help: string;
  readonly takesValue: boolean;
  /** What its values are names of. */
  readonly completes: string | undefined;
}

export function placesOf(program: WholeProgram): readonly Place[] {
  const visit = (path: string, own: Pick<Command, 'flags' | 'completes'>, all: readonly Command[]): Place[] => {
    const commands = all.filter(({ hidden }) => !hidden);
    const further = commands.flatMap((one) => visit(`${path} ${one.name}`, one, one.commands));
    return [{ path, commands, flags: shownFlags(own.flags), completes: own.completes }, ...further];
  };
  return visit(program.name, { flags: program.globals, completes: [] }, program.commands);
}

function shownFlags(flags: Flags): readonly ShownFlag[] {
  const own = Object.entries(flags)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, { alias, help, kind, completes }]) => ({
      spellings: [name, ...alias].map(dashed),
      help: help.split('\n')[0] ?? '',
      takesValue: kind !== 'flag',
      completes,
    }));
  const help = { spellings: ['--help', '-h'], help: 'show help', takesValue: false, completes: undefined };
  return [...own, help];
}

const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);

/** Patterns for `case "$at $word"`, where words have one dash: what takes a value, and what leads further. */
export function steps(places: readonly Place[]) {
  const valued = places.flatMap(({ path, flags }) =>
    flags
      .filter(({ takesValue }) => takesValue)
      .flatMap(({ spellings, completes }) =>
        spellings.map((one) => ({ pattern: `${path} ${one.replace(/^--/, '-')}`, completes })),
      ),
  );
  const inner = places.flatMap(({ path, commands }) =>
    commands.map((one) => ({
      to: `${path} ${one.name}`,
      from: [one.name, ...one.aliases].map((name) => `${path} ${name}`),
    })),
  );
  return { valued, inner };
}

/** What is wanted by kind: patterns of flags (`ctr -n`), and of arguments by their number from 0 (`ctr images rm:0`). */
export function wishes(places: readonly Place[]) {
  const flags = new Map<string, string[]>();
  const args = new Map<string, { readonly path: string; readonly at: number; readonly further: boolean }[]>();
  for (const { pattern, completes } of steps(places).valued)
    if (completes !== undefined) flags.set(completes, [...(flags.get(completes) ?? []), pattern]);
  for (const { path, completes } of places)
    for (const [at, word] of completes.entries()) {
      const kind = word.replace(/\.\.\.$/, '');
      if (kind !== '') args.set(kind, [...(args.get(kind) ?? []), { path, at, further: word.endsWith('...') }]);
    }
  return { flags, args };
}

export const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * The walk over the words before the cursor, which bash and zsh have in common. Leaves the command in `at` (empty for what is none), how many
 * arguments stand before the cursor in `n`, and the flag whose value is being typed in `flagged`.
 */
export function walk(places: readonly Place[], words: string, cursor: string, first: number): string {
  const { valued, inner } = steps(places);
  const leaves = places.filter(({ commands }) => commands.length === 0).map(({ path }) => `${path} *`);
  return [
    `  for ((i = ${first}; i < ${cursor}; i++)); do`,
    '    if ((n)); then ((++n)); continue; fi',
    `    word=\${${words}[i]}`,
    `    [[ $word == --* ]] && word=\${word#-}`,
    '    case "$at $word" in',
    `    ${valued.map(({ pattern }) => shellQuoted(pattern)).join('|')})`,
    '      ((++i))',
    `      ((i >= ${cursor})) && flagged="$at $word"`,
    '      ;;',
    ...inner.map(({ to, from }) => `    ${from.map(shellQuoted).join('|')}) at=${shellQuoted(to)} ;;`),
    "    *' -'?*) ;;",
    `    ${leaves.map((path) => `'${path.slice(0, -2)} '*`).join('|')}) n=1 ;;`,
    '    *) at= ; break ;;',
    '    esac',
    '  done',
  ].join('\n');
}

/** Finds out, after the walk, what is wanted where the cursor is, and leaves it in `want`. */
export function wish(places: readonly Place[], word: string): string {
  const { flags, args } = wishes(places);
  const patterns = (kind: string) =>
    (args.get(kind) ?? []).map(({ path, at, further }) =>
      further && at === 0 ? `${shellQuoted(`${path}:`)}*` : shellQuoted(`${path}:${at}`),
    );
  return [
    `  case "$flagged" in`,
    ...[...flags].map(([kind, found]) => `  ${found.map(shellQuoted).join('|')}) want=${kind} ;;`),
    '  esac',
    `  [[ -z $flagged && ${word} != -* ]] && case "$at:$n" in`,
    ...[...args.keys()].map((kind) => `  ${patterns(kind).join('|')}) want=${kind} ;;`),
    '  esac',
  ].join('\n');
}
