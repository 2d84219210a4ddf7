import type { Command, Program } from './command.ts';
import type { Flags } from './flags.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A script that completes a program's commands and flags; made of the commands' definitions, it asks no daemon. */
export function completion(program: Program, shell: Shell): string {
  const places = placesOf(program);
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](program.name, places);
}

/** A command, or the program itself, with what may follow it. */
interface Place {
  /** `ctr images`. */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly flags: readonly ShownFlag[];
}

interface ShownFlag {
  /** With their dashes. */
  readonly spellings: readonly string[];
  readonly help: string;
  readonly takesValue: boolean;
}

function placesOf(program: Program): readonly Place[] {
  const visit = (path: string, flags: Flags, all: readonly Command[]): Place[] => {
    const commands = all.filter(({ hidden }) => !hidden);
    const further = commands.flatMap((one) => visit(`${path} ${one.name}`, one.flags, one.commands));
    return [{ path, commands, flags: shownFlags(flags) }, ...further];
  };
  return visit(program.name, program.globals, program.commands);
}

function shownFlags(flags: Flags): readonly ShownFlag[] {
  const own = Object.entries(flags)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, { alias, help, kind }]) => ({
      spellings: [name, ...alias].map(dashed),
      help: help.split('\n')[0] ?? '',
      takesValue: kind !== 'flag',
    }));
  return [...own, { spellings: ['--help', '-h'], help: 'show help', takesValue: false }];
}

const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);
const namesOf = ({ name, aliases }: Command): readonly string[] => [name, ...aliases];

/** Patterns for `case "$at $word"`, where words have one dash: what takes a value, and what leads further. */
function steps(places: readonly Place[]) {
  const valued = places.flatMap(({ path, flags }) =>
    flags
      .filter(({ takesValue }) => takesValue)
      .flatMap(({ spellings }) => spellings.map((one) => `${path} ${one.replace(/^--/, '-')}`)),
  );
  const inner = places.flatMap(({ path, commands }) =>
    commands.map((one) => ({ to: `${path} ${one.name}`, from: namesOf(one).map((name) => `${path} ${name}`) })),
  );
  return { valued, inner };
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The walk over the words before the cursor, which bash and zsh have in common. Leaves the command in `at`, empty behind an argument. */
function walk(places: readonly Place[], words: string, cursor: string, first: number): string {
  const { valued, inner } = steps(places);
  return [
    `  for ((i = ${first}; i < ${cursor}; i++)); do`,
    `    word=\${${words}[i]}`,
    `    [[ $word == --* ]] && word=\${word#-}`,
    '    case "$at $word" in',
    `    ${valued.map(quoted).join('|')})`,
    // bash makes `--flag=value` three words.
    `      [[ \${${words}[i+1]} == = ]] && ((i++))`,
    '      ((++i))',
    `      ((i >= ${cursor})) && at=`,
    '      ;;',
    ...inner.map(({ to, from }) => `    ${from.map(quoted).join('|')}) at=${quoted(to)} ;;`),
    "    *' -'*|*' =') [[ $word == = ]] && ((++i)) ;;",
    '    *) at= ;;',
    '    esac',
    '    [[ -z $at ]] && break',
    '  done',
  ].join('\n');
}

function bashScript(name: string, places: readonly Place[]): string {
  const cases = places.map(({ path, commands, flags }) => {
    const words = commands.map((one) => one.name).join(' ');
    return `  ${quoted(path)}) words=${quoted(words)} flags=${quoted(flags.flatMap(({ spellings }) => spellings).join(' '))} ;;`;
  });
  return `# bash completion for ${name}, made by Berth's scripts/dist.ts
_berth_${name}() {
  local at=${name} cur=\${COMP_WORDS[COMP_CWORD]} word words= flags= i
  COMPREPLY=()
${walk(places, 'COMP_WORDS', 'COMP_CWORD', 1)}
  case $at in
${cases.join('\n')}
  esac
  [[ $cur == -* ]] && words=$flags
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -o default -F _berth_${name} ${name}
`;
}

function zshScript(name: string, places: readonly Place[]): string {
  const described = (word: string, help: string) => quoted(`${word.replaceAll(':', '\\:')}:${help}`);
  const cases = places.map(({ path, commands, flags }) => {
    const words = commands.map((one) => described(one.name, one.summary));
    const options = flags.flatMap(({ spellings, help }) => spellings.map((one) => described(one, help)));
    return `  ${quoted(path)}) inner=(${words.join(' ')}); flags=(${options.join(' ')}) ;;`;
  });
  return `#compdef ${name}
# zsh completion for ${name}, made by Berth's scripts/dist.ts
_berth_${name}() {
  local at=${name} word i
  local -a inner flags
${walk(places, 'words', 'CURRENT', 2)}
  case $at in
${cases.join('\n')}
  esac
  if [[ $words[CURRENT] == -* && $#flags -gt 0 ]]; then
    _describe -o option flags
  elif (( $#inner )); then
    _describe command inner
  else
    _files
  fi
}
_berth_${name} "$@"
`;
}

function fishScript(name: string, places: readonly Place[]): string {
  const { valued, inner } = steps(places);
  const lines = places.flatMap(({ path, commands, flags }) => {
    const here = `complete -c ${name} -n '__berth_${name}_is ${quoted(path).replaceAll("'", '"')}'`;
    return [
      ...commands.map((one) => `${here} -f -a ${one.name} -d ${fishQuoted(one.summary)}`),
      ...flags.map(({ spellings, help, takesValue }) => {
        const options = spellings.map((one) => (one.startsWith('--') ? `-l ${one.slice(2)}` : `-s ${one.slice(1)}`));
        return `${here} ${options.join(' ')}${takesValue ? ' -r' : ''} -d ${fishQuoted(help)}`;
      }),
    ];
  });
  return `# fish completion for ${name}, made by Berth's scripts/dist.ts
function __berth_${name}_is
  set -l at ${name}
  set -l skip 0
  for token in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
      continue
    end
    switch "$at "(string replace -r '^--' '-' -- $token)
      case ${valued.map(quoted).join(' ')}
        set skip 1
${inner.map(({ to, from }) => `      case ${from.map(quoted).join(' ')}\n        set at ${quoted(to)}`).join('\n')}
      case '* -*'
      case '*'
        return 1
    end
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}
`;
}

const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
